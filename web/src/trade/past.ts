// The book as it was at a sequence or a time, for disputes and for study.
//
// Laws: one reading at a time, a few a second however fast the slider is drawn (each counts against the
// reader's limit, and is made of thousands of commands), and the newest wish wins; what is shown is the last book that came, with
// its own sequence and moment, never the wish. Nothing is traded on it: who shows it disarms.

import { signal } from "@preact/signals";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import { Book } from "@/book/book";
import type { BookSource } from "@/book/source";

/** Every price of a market with the usual tick; of a finer one the best on each side. */
const DEPTH = 100;

/** From one reading to the next. */
const PACE_MS = 200;

export interface PastMoment {
  readonly seq: number;
  /** When the market came to be so. */
  readonly at: string;
  /** Whether the book's sum is the exchange's. */
  readonly isSumRight: boolean;
}
export type Wish = { readonly atSeq: number } | { readonly at: string };

export class Past implements BookSource {
  readonly book = new Book();
  readonly shown = signal<PastMoment | null>(null);
  readonly problem = signal<string | null>(null);
  /** Where the slider stands: the sequence wished for, or the one shown. */
  readonly wished: ReturnType<typeof signal<number>>;
  private readonly listeners = new Set<() => void>();
  private wish: Wish | null = null;
  private isReading = false;
  private isClosed = false;

  /** `newest` is the market's sequence of now, the end of the slider. */
  constructor(
    private readonly market: string,
    readonly newest: number,
  ) {
    this.wished = signal(newest);
    this.go({ atSeq: newest });
  }

  get hasBook(): boolean {
    return this.shown.peek() !== null;
  }

  onBook(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Show another moment; a sequence out of reach is the nearest one. */
  go(wish: Wish): void {
    const bounded = "at" in wish ? wish : { atSeq: Math.max(1, Math.min(this.newest, wish.atSeq)) };
    if ("atSeq" in bounded) this.wished.value = bounded.atSeq;
    this.wish = bounded;
    if (!this.isReading) void this.read();
  }

  close(): void {
    this.isClosed = true;
    this.listeners.clear();
  }

  private async read(): Promise<void> {
    this.isReading = true;
    while (this.wish !== null && !this.isClosed) {
      const wish = this.wish;
      this.wish = null;
      await Promise.all([this.show(wish), pause(PACE_MS)]);
    }
    this.isReading = false;
  }

  private async show(wish: Wish): Promise<void> {
    try {
      const { data } = await rest.call("get", "/markets/{slug}/orderbook", { path: { slug: this.market }, query: { depth: DEPTH, ...wish } });
      if (this.isClosed) return;
      this.book.replace(data.bids, data.asks);
      this.shown.value = { seq: data.seq, at: data.at ?? "", isSumRight: this.book.checksum() === data.checksum };
      if ("at" in wish && this.wish === null) this.wished.value = data.seq;
      this.problem.value = null;
      for (const listener of this.listeners) listener();
    } catch (thrown) {
      this.problem.value = asApiError(thrown).message;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
