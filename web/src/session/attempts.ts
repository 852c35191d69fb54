// What has to happen once and costs something: a bet, a sale, a purchase, a trade of a stock. Each is asked for
// under an id of its own, and asked for again under the same id until its answer is known.
//
// Laws: the id and all that was asked are kept in this tab before anything is sent, for whoever is signed
// in, so that a page loaded anew asks for the same thing and never for another one; nobody else is asked for it,
// and what others ask for takes nothing away. An answer lets it go. So does a refusal, unless an earlier asking
// went unanswered and this one wasn't looked at: that says nothing of what came before. Without an answer it
// is asked again by itself, a few times, as long as its owner is signed in.

import { signal } from "@preact/signals";
import { newClientId } from "@/api/clientIds";
import { ApiError, asApiError, isUnknown } from "@/api/errors";
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
/** Refusals before anything is looked at. */
const UNSEEN: ReadonlySet<number> = new Set([401, 403, 429, 503]);
/** Moves when an attempt begins or ends, so that who shows one looks again. */
const turns = signal(0);
/** What this browser didn't keep, by its key: it is forgotten with the page. */
const unkept = new Map<string, string>();

function stored(key: string): string | null {
  try {
    return unkept.get(key) ?? sessionStorage.getItem(key);
  } catch {
    return null; // storage is off in this browser
  }
}

function store(key: string, text: string): void {
  try {
    sessionStorage.setItem(key, text);
    unkept.delete(key);
  } catch {
    unkept.set(key, text); // it is off, or full
  }
}

function drop(key: string): void {
  unkept.delete(key);
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing was kept there.
  }
}

function sleep(pauseMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMs));
}

/** One thing at a time of a kind, e.g. the bets on one market. */
export class Attempts<B> {
  /** `kind` names what is asked for, and of what: attempts of another kind go their own way. */
  constructor(
    private readonly kind: string,
    private readonly pausesMs: readonly number[] = PAUSES_MS,
  ) {}

  /** What was begun by whoever is signed in, and has no answer yet; null if there is nothing. */
  get open(): Attempt<B> | null {
    watch(turns);
    const whose = user.value?.id;
    return whose === undefined ? null : this.read(whose);
  }

  /**
   * Ask for something under a new id, or go on with what is open, whatever `body` says.
   * Throws what the exchange refuses; `UNKNOWN_OUTCOME` if no answer came: then it stays open.
   */
  async run<T>(body: B, send: (attempt: Attempt<B>) => Promise<T>): Promise<T> {
    const whose = user.peek()?.id ?? "";
    const before = this.read(whose);
    // What was begun before may have been sent by a page that is gone.
    let attempt: Attempt<B> = before === null ? { id: newClientId(), body, whose, isLost: false } : { ...before, isLost: true };
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
        if (pauseMs !== undefined) await sleep(pauseMs);
        // Whoever signed in meanwhile doesn't ask for it.
        if (pauseMs === undefined || (user.peek()?.id ?? "") !== whose) throw new ApiError("UNKNOWN_OUTCOME", error.message, error.status);
      }
    }
  }

  /** Ask for it no more: it may have happened all the same. Also once it is known by another way what became of it. */
  forget(attempt: Attempt<B>): void {
    if (this.read(attempt.whose)?.id !== attempt.id) return;
    drop(this.keyOf(attempt.whose));
    turns.value += 1;
  }

  private keyOf(whose: string): string {
    return `${PREFIX}${this.kind}.${whose}`;
  }

  private keep(attempt: Attempt<B>): void {
    store(this.keyOf(attempt.whose), JSON.stringify(attempt));
    turns.value += 1;
  }

  private read(whose: string): Attempt<B> | null {
    const text = stored(this.keyOf(whose));
    if (text === null) return null;
    try {
      return JSON.parse(text) as Attempt<B>;
    } catch {
      return null;
    }
  }
}
