// One market, live: its book and tape as the exchange has them, and how sure that is.
//
// Laws: a message is never guessed at: what the sequence machine calls a gap is asked for by
// `afterSeq`, and `resyncing` until it is mended. Listeners hear of each change at once and paint
// when they like (`oncePerFrame`). Trades are asked for over REST when the heartbeat says that some
// are missing; those of another venue, which REST has without numbers, with each new line alone. In
// another epoch the tape begins anew.

import { signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { Book } from "@/book/book";
import { Sequence, type Phase } from "@/book/sequence";
import type { BookSource } from "@/book/source";
import { Tape, printOf } from "@/book/tape";
import { line } from "./line";
import type { BookMessage, Heartbeat, MarketMessage, Subscribed, TradeMessage } from "./messages";

export interface Trust {
  readonly phase: Phase;
  readonly seq: number;
  /** When the market was heard of last, a heartbeat included. */
  readonly heardAt: number;
  /** Whether the book's sum is the exchange's; null before the first. */
  readonly isSumRight: boolean | null;
  readonly checksum: number | null;
  readonly resyncs: number;
  /** Whether the venue itself is silent. */
  readonly isVenueSilent: boolean;
}

const UNKNOWN: Trust = { phase: "begun", seq: 0, heardAt: 0, isSumRight: null, checksum: null, resyncs: 0, isVenueSilent: false };
const RETRY_MS = 1_000;
const TAPE_PAGE = 200;
/** Sums are made of messages that come one by one; in a burst of the last one. */
const SUM_EVERY_MS = 250;

export class MarketFeed implements BookSource {
  readonly book = new Book();
  readonly tape = new Tape();
  readonly trust = signal<Trust>(UNKNOWN);
  /** Moves when trades were read that had been missed: what was made of the tape is to be made anew. */
  readonly missed = signal(0);
  private readonly sequence = new Sequence();
  private readonly bookListeners = new Set<() => void>();
  private readonly tapeListeners = new Set<() => void>();
  private readonly stops: (() => void)[] = [];
  private marketId: string | null = null;
  /** The reading of the tape that is under way; what an older one brings isn't taken. */
  private tapeReading: symbol | null = null;
  private tapeEpoch: number | null = null;
  private isClosed = false;
  private sumTimer: ReturnType<typeof setTimeout> | null = null;
  private awaited: number | null = null;

  constructor(
    private readonly market: string,
    private readonly onMarket: (message: MarketMessage) => void = () => undefined,
  ) {
    this.stops.push(
      line.on("orderbook_update", (message) => this.takeBook(message)),
      line.on("trade_executed", (message) => this.takeTrade(message)),
      line.on("market_updated", (message) => this.isOurs(message.id) && this.onMarket(message)),
      line.on("heartbeat", (message) => this.takeHeartbeat(message)),
      line.onOpen(() => void this.subscribe()),
    );
    void this.readTape(null);
  }

  /** Whether a book has come, be it an empty one. */
  get hasBook(): boolean {
    return this.sequence.phase !== "begun";
  }

  /** The sequence of the book that is held; `trust` tells it a moment later. */
  get seq(): number {
    return this.sequence.seq;
  }

  /** Be told of each change of the book; returns how to stop. */
  onBook(listener: () => void): () => void {
    this.bookListeners.add(listener);
    return () => this.bookListeners.delete(listener);
  }
  onTape(listener: () => void): () => void {
    this.tapeListeners.add(listener);
    return () => this.tapeListeners.delete(listener);
  }

  close(): void {
    this.isClosed = true;
    for (const stop of this.stops) stop();
    if (this.sumTimer !== null) clearTimeout(this.sumTimer);
    if (line.isOpen) line.ask("unsubscribe:market", { market: this.market }).catch(() => undefined);
  }

  /** Whether it is a market of another venue. */
  private get isElsewhere(): boolean {
    return this.market.includes(":");
  }

  private isOver(): boolean {
    return this.isClosed;
  }

  private isOurs(marketId: string): boolean {
    return marketId === this.marketId;
  }

  private async subscribe(): Promise<void> {
    if (this.isClosed) return;
    const from = this.sequence.resumeFrom;
    if (from !== null) this.sequence.lose();
    this.tell();
    try {
      // Only our own markets can be gone on with; of another venue's the numbers are its own.
      const resumes = from !== null && !this.isElsewhere ? from : {};
      const told = (await line.ask("subscribe:market", {
        market: this.market,
        outcome: "YES",
        channels: ["book", "trades", "lifecycle"],
        ...resumes,
      })) as Subscribed;
      this.marketId = told.marketId;
      // Nothing was missed: no message will come that says so.
      if (told.resumed === true && told.seq === this.sequence.seq) this.sequence.settle();
      this.heedEpoch(told.epoch);
      if (this.isElsewhere && from !== null) void this.readTape(null);
      else if (typeof told.tradeNo === "number") this.expectTrades(told.tradeNo);
      this.tell();
    } catch {
      if (!this.isOver() && line.isOpen) setTimeout(() => void this.subscribe(), RETRY_MS);
    }
  }

  private takeBook(message: BookMessage): void {
    // A snapshot may overtake the acknowledgement that tells which market it is of.
    if (message.outcome !== "YES" || !(this.isOurs(message.marketId) || this.marketId === null && message.marketId === this.market)) return;
    const step = this.sequence.take(message);
    if (step === "replace") this.book.replace(message.bids, message.asks);
    else if (step === "apply") this.book.apply(message.bids, message.asks);
    else if (step === "resync") void this.subscribe();
    if (step === "replace" || step === "apply") {
      this.awaited = message.checksum;
      this.sumTimer ??= setTimeout(() => this.compare(), SUM_EVERY_MS);
      for (const listener of this.bookListeners) listener();
    }
  }

  private compare(): void {
    this.sumTimer = null;
    if (this.awaited === null) return;
    const isSumRight = this.book.checksum() === this.awaited;
    this.trust.value = { ...this.trust.peek(), isSumRight, checksum: this.awaited };
    if (!isSumRight && this.sequence.lose() === "resync") {
      this.sequence.forget();
      void this.subscribe();
    }
    this.tell();
  }

  private takeTrade(message: TradeMessage): void {
    if (!this.isOurs(message.marketId)) return;
    this.heedEpoch(message.epoch);
    if (this.tape.add([printOf(message)])) for (const listener of this.tapeListeners) listener();
  }

  private takeHeartbeat(message: Heartbeat): void {
    const entry = message.markets.find((one) => this.isOurs(one.marketId));
    if (entry === undefined) return;
    if (this.sequence.hear(entry.epoch ?? message.epoch, entry.seq) === "resync") void this.subscribe();
    this.heedEpoch(entry.epoch ?? message.epoch);
    if (typeof entry.tradeNo === "number") this.expectTrades(entry.tradeNo);
    this.tell(entry.stale === true);
  }

  private expectTrades(tradeNo: number): void {
    if (this.isElsewhere || this.tapeReading !== null) return;
    const behind = this.tape.missing(tradeNo);
    if (behind !== null) void this.readTape(behind === 0 ? null : behind);
  }

  private heedEpoch(epoch: number): void {
    const isAnother = this.tapeEpoch !== null && epoch !== this.tapeEpoch;
    this.tapeEpoch = epoch;
    if (!isAnother) return;
    this.tape.clear();
    void this.readTape(null);
  }

  private async readTape(afterSeq: number | null): Promise<void> {
    const mine = Symbol("reading");
    this.tapeReading = mine;
    try {
      const query = { limit: TAPE_PAGE, afterSeq: afterSeq ?? undefined };
      const { data } = await rest.call("get", "/markets/{slug}/trades", { path: { slug: this.market }, query });
      const hadSome = this.tape.prints.length > 0;
      if (this.tapeReading !== mine || !this.tape.add(data.map(printOf))) return;
      for (const listener of this.tapeListeners) listener();
      if (hadSome) this.missed.value += 1;
    } catch {
      // The next heartbeat asks again, or the next line.
    } finally {
      if (this.tapeReading === mine) this.tapeReading = null;
    }
  }

  private tell(isVenueSilent = this.trust.peek().isVenueSilent): void {
    const { phase, seq, resyncs } = this.sequence;
    this.trust.value = { ...this.trust.peek(), phase, seq, resyncs, heardAt: Date.now(), isVenueSilent };
  }
}
