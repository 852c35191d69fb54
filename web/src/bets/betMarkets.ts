// The questions that bets are on: what their sides are called, and what they are worth now.
//
// Laws: a question is read once, one after the other, and no more of them than are followed; its price is
// followed as long as it is wanted. What isn't known is left out, never guessed.

import { signal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { BetView } from "@/api/schema";
import { line } from "@/feed/line";
import { PRICE_SCALE, costOf, priceOf, quantityOf } from "@/units/money";
import { sideOf } from "./odds";

export interface Known {
  readonly outcomes: readonly [string, string] | undefined;
  readonly bestBid: string | null;
  readonly bestAsk: string | null;
}

const FOLLOWED_MOST = 40;

/** What a bet's shares bring at the best price there is, before fees; null if nobody bids. */
export function worthAt(bet: BetView, known: Known | undefined): bigint | null {
  const price = known === undefined ? null : sideOf(bet) === "THIS" ? priceOf(known.bestBid) : priceOf(known.bestAsk);
  if (price === null) return null;
  return costOf(sideOf(bet) === "THIS" ? price : PRICE_SCALE - price, quantityOf(bet.openShares));
}

export class BetMarkets {
  readonly known = signal<ReadonlyMap<string, Known>>(new Map());
  private readonly wanted = new Set<string>();
  private readonly asked = new Set<string>();
  private readonly stops: (() => void)[] = [];
  private isReading = false;
  private isClosed = false;

  constructor() {
    this.stops.push(
      line.on("ticker_updated", ({ marketId, bestBid, bestAsk }) => this.change(marketId, { bestBid, bestAsk })),
      line.onOpen(() => {
        for (const id of this.wanted) this.follow(id);
      }),
    );
  }

  close(): void {
    this.isClosed = true;
    for (const stop of this.stops) stop();
    for (const id of this.wanted) if (line.isOpen) line.ask("unsubscribe:market", { market: id, channels: ["ticker"] }).catch(() => undefined);
  }

  /** Know of these markets (ids), the first of them if there are many. */
  want(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.wanted.size >= FOLLOWED_MOST) break;
      if (this.wanted.has(id)) continue;
      this.wanted.add(id);
      this.follow(id);
    }
    void this.read();
  }

  private follow(id: string): void {
    if (line.isOpen) line.ask("subscribe:market", { market: id, channels: ["ticker"] }).catch(() => undefined);
  }

  private async read(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    for (const id of this.wanted) {
      if (this.asked.has(id) || this.isOver()) continue;
      this.asked.add(id);
      const market = await rest.call("get", "/markets/{slug}", { path: { slug: id } }).then((answer) => answer.data, () => null);
      if (market !== null) this.change(id, { outcomes: market.outcomes, bestBid: market.bestBid, bestAsk: market.bestAsk });
    }
    this.isReading = false;
  }

  private isOver(): boolean {
    return this.isClosed;
  }

  private change(id: string, part: Partial<Known>): void {
    if (!this.wanted.has(id)) return;
    const before = this.known.peek().get(id) ?? { outcomes: undefined, bestBid: null, bestAsk: null };
    this.known.value = new Map(this.known.peek()).set(id, { ...before, ...part });
  }
}
