// Asking the exchange what would come of something, soon after it was changed, and again while prices move.
//
// Laws: what is shown was answered of the very thing that is asked about; a question on its way isn't given
// up because prices move, and is asked once a second at most. Now and then it is asked anyway: a mirror's
// quotes follow those of its source, and nobody tells of them.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type ApiError, asApiError } from "@/api/errors";

export type Quoted<Q> =
  | { readonly state: "none" }
  | { readonly state: "asking" }
  | { readonly state: "known"; readonly quote: Q }
  | { readonly state: "refused"; readonly error: ApiError };

const PAUSE_MS = 200;
const EVERY_MS = 1_000;
const ANYWAY_MS = 5_000;

/** Asks about one thing at a time; what is told is of the thing asked about last. */
export class Quoter<Q> {
  private key: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private underWay: AbortController | null = null;
  private isStale = false;
  private askedAt = 0;
  /** When it is asked next, by this machine's clock. */
  private dueAt = Infinity;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<Q>,
    private readonly tell: (key: string, quoted: Quoted<Q>) => void,
  ) {}

  /** Ask about what `key` names, or about the same once more because prices have moved; null asks nothing. */
  want(key: string | null): void {
    if (key !== this.key) {
      this.stop();
      this.key = key;
      if (key !== null) this.plan(PAUSE_MS);
      return;
    }
    if (this.underWay !== null) this.isStale = true;
    else if (key !== null) this.plan(Math.max(PAUSE_MS, this.askedAt + EVERY_MS - Date.now()));
  }

  stop(): void {
    clearTimeout(this.timer);
    this.underWay?.abort();
    this.underWay = null;
    this.isStale = false;
    this.key = null;
    this.askedAt = 0;
    this.dueAt = Infinity;
  }

  /** Ask so soon at the latest. */
  private plan(pauseMs: number): void {
    const dueAt = Date.now() + pauseMs;
    if (this.dueAt <= dueAt) return;
    this.dueAt = dueAt;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run(), pauseMs);
  }

  private async run(): Promise<void> {
    const { key } = this;
    this.dueAt = Infinity;
    if (key === null) return;
    if (typeof document !== "undefined" && document.hidden) {
      this.plan(ANYWAY_MS);
      return;
    }
    const control = new AbortController();
    this.underWay = control;
    this.askedAt = Date.now();
    const quoted = await this.ask(control.signal).then(
      (quote): Quoted<Q> => ({ state: "known", quote }),
      (thrown: unknown): Quoted<Q> => ({ state: "refused", error: asApiError(thrown) }),
    );
    if (this.underWay !== control) return;
    this.underWay = null;
    this.tell(key, quoted);
    this.plan(this.isStale ? EVERY_MS : ANYWAY_MS);
    this.isStale = false;
  }
}

/** Quote what `key` names, null for nothing; `version` moves with the prices. */
export function useQuote<Q>(key: string | null, version: unknown, ask: (signal: AbortSignal) => Promise<Q>): Quoted<Q> {
  const known = useSignal<{ readonly key: string; readonly quoted: Quoted<Q> } | null>(null);
  const latest = useRef(ask);
  latest.current = ask;
  const quoter = useMemo(() => new Quoter<Q>((signal) => latest.current(signal), (told, quoted) => (known.value = { key: told, quoted })), []);
  useEffect(() => quoter.want(key), [quoter, key, version]);
  useEffect(() => () => quoter.stop(), [quoter]);
  if (key === null) return { state: "none" };
  return known.value?.key === key ? known.value.quoted : { state: "asking" };
}
