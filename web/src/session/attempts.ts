// What has to happen once and costs something: a bet, a sale, a purchase. Each is asked for under an id of
// its own, and asked for again under the same id until its answer is known.
//
// Laws: the id and all that was asked are kept in this tab before anything is sent, for whoever is signed
// in, so that a page loaded anew asks for the same thing and never for another one. An answer lets it go. So
// does a refusal, unless an earlier asking went unanswered and this one wasn't looked at: that says nothing
// of what came before. Without an answer it is asked again by itself, a few times.

import { signal } from "@preact/signals";
import { ApiError, asApiError } from "@/api/errors";
import { watch } from "@/shell/watch";
import { user } from "./session";

export interface Attempt<B> {
  readonly id: string;
  readonly body: B;
  /** Whose it is. */
  readonly whose: string;
  /** Whether it was sent and no answer came. */
  readonly isLost: boolean;
}

const PREFIX = "probity.attempt.";
const PAUSES_MS = [1_000, 2_000, 4_000] as const;
const ID_BYTES = 12;
const SERVER_FAILED = 500;
/** Refusals before anything is looked at. */
const UNSEEN: ReadonlySet<number> = new Set([401, 403, 429, 503]);
/** Moves when an attempt begins or ends, so that who shows one looks again. */
const turns = signal(0);

/** Whether nobody knows what became of what was sent. */
function isUnknown(error: ApiError): boolean {
  return error.code === "OFFLINE" || error.code === "UNKNOWN_OUTCOME" || (error.code === "BROKEN_ANSWER" && error.status >= SERVER_FAILED);
}

function newId(): string {
  return `web-${[...crypto.getRandomValues(new Uint8Array(ID_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function sleep(pauseMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMs));
}

/** One thing at a time of a kind, e.g. the bets on one market. */
export class Attempts<B> {
  private readonly key: string;

  /** `kind` names what is asked for, and of what: attempts of another kind go their own way. */
  constructor(
    kind: string,
    private readonly pausesMs: readonly number[] = PAUSES_MS,
  ) {
    this.key = PREFIX + kind;
  }

  /** What was begun by whoever is signed in, and has no answer yet; null if there is nothing. */
  get open(): Attempt<B> | null {
    watch(turns);
    const whose = user.value?.id;
    const attempt = this.read();
    return attempt !== null && attempt.whose === whose ? attempt : null;
  }

  /**
   * Ask for something under a new id, or go on with what is open, whatever `body` says.
   * Throws what the exchange refuses; `UNKNOWN_OUTCOME` if no answer came: then it stays open.
   */
  async run<T>(body: B, send: (attempt: Attempt<B>) => Promise<T>): Promise<T> {
    const whose = user.peek()?.id ?? "";
    const before = this.read();
    // What was begun before may have been sent by a page that is gone.
    let attempt: Attempt<B> = before?.whose === whose ? { ...before, isLost: true } : { id: newId(), body, whose, isLost: false };
    this.keep(attempt);
    for (let turn = 0; ; turn += 1) {
      try {
        const answer = await send(attempt);
        this.forget(attempt);
        return answer;
      } catch (thrown) {
        const error = asApiError(thrown);
        const isOpen = isUnknown(error) || (attempt.isLost && UNSEEN.has(error.status));
        if (!isOpen) {
          this.forget(attempt);
          throw error;
        }
        attempt = { ...attempt, isLost: true };
        this.keep(attempt);
        const pauseMs = this.pausesMs[turn];
        if (pauseMs === undefined || user.peek()?.id !== whose) throw new ApiError("UNKNOWN_OUTCOME", error.message, error.status);
        await sleep(pauseMs);
      }
    }
  }

  /** Ask for it no more: it may have happened all the same. Also once it is known by another way what became of it. */
  forget(attempt: Attempt<B>): void {
    if (this.read()?.id !== attempt.id) return;
    this.write(null);
  }

  private keep(attempt: Attempt<B>): void {
    this.write(JSON.stringify(attempt));
  }

  private read(): Attempt<B> | null {
    const text = this.stored();
    if (text === null) return null;
    try {
      return JSON.parse(text) as Attempt<B>;
    } catch {
      return null;
    }
  }

  /** What a browser that keeps nothing forgets with the page. */
  private memory: string | null = null;

  private stored(): string | null {
    try {
      return sessionStorage.getItem(this.key);
    } catch {
      return this.memory;
    }
  }

  private write(text: string | null): void {
    this.memory = text;
    try {
      if (text === null) sessionStorage.removeItem(this.key);
      else sessionStorage.setItem(this.key, text);
    } catch {
      // Storage is off in this browser: it is kept as long as the page lives.
    }
    turns.value += 1;
  }
}
