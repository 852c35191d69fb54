// One book of a market: what rests at each price of YES, and which prices changed since it was painted.
//
// Laws: prices and quantities are whole numbers (units/money); a level of 0 is gone; the sum is made
// over the ten best levels a side, as the exchange makes it. NO is the mirror: a bid at p of YES is
// an ask at 1 - p of NO, so one book is enough.

import { PRICE_SCALE, priceOf, quantityOf } from "@/units/money";
import { crc32 } from "./crc32";

export type WireLevel = readonly [string, string];
export type Level = readonly [price: number, quantity: number];

const SUMMED = 10;

export class Book {
  /** Quantity by price in ticks of 1/10 000: both sides in one array each, 0 where nothing rests. */
  readonly bids = new Float64Array(PRICE_SCALE + 1);
  readonly asks = new Float64Array(PRICE_SCALE + 1);
  bestBid: number | null = null;
  bestAsk: number | null = null;
  /** Prices that changed since `takeDirty`; null: all of them. */
  private dirty: Set<number> | null = null;

  /** Take a whole book. */
  replace(bids: readonly WireLevel[], asks: readonly WireLevel[]): void {
    this.bids.fill(0);
    this.asks.fill(0);
    this.bestBid = null;
    this.bestAsk = null;
    for (const [price, quantity] of bids) this.set(this.bids, price, quantity);
    for (const [price, quantity] of asks) this.set(this.asks, price, quantity);
    this.findBest();
    this.dirty = null;
  }

  /** Put absolute quantities in. */
  apply(bids: readonly WireLevel[], asks: readonly WireLevel[]): void {
    for (const [price, quantity] of bids) this.set(this.bids, price, quantity);
    for (const [price, quantity] of asks) this.set(this.asks, price, quantity);
    this.findBest();
  }

  private set(side: Float64Array, priceText: string, quantityText: string): void {
    const price = priceOf(priceText);
    if (price === null || price < 0 || price > PRICE_SCALE) return;
    side[price] = quantityOf(quantityText);
    this.dirty?.add(price);
    // What was best is where the search begins: it moves up with a better level, down with an emptied one.
    if (side[price] > 0) {
      if (side === this.bids) this.bestBid = Math.max(this.bestBid ?? 0, price);
      else this.bestAsk = Math.min(this.bestAsk ?? PRICE_SCALE, price);
    }
  }

  private findBest(): void {
    let bid = this.bestBid;
    while (bid !== null && bid > 0 && this.bids[bid] === 0) bid -= 1;
    this.bestBid = bid === 0 ? null : bid;
    let ask = this.bestAsk;
    while (ask !== null && ask < PRICE_SCALE && this.asks[ask] === 0) ask += 1;
    this.bestAsk = ask === PRICE_SCALE ? null : ask;
  }

  /** Which prices changed since this was asked last; null: paint everything. */
  takeDirty(): ReadonlySet<number> | null {
    const taken = this.dirty;
    this.dirty = new Set();
    return taken;
  }

  /** The best levels of a side, best first. */
  levels(side: "bids" | "asks", most: number): Level[] {
    const found: Level[] = [];
    const from = side === "bids" ? this.bestBid : this.bestAsk;
    if (from === null) return found;
    const step = side === "bids" ? -1 : 1;
    const rests = this[side];
    for (let price = from; price > 0 && price < PRICE_SCALE && found.length < most; price += step) {
      const quantity = rests[price] ?? 0;
      if (quantity > 0) found.push([price, quantity]);
    }
    return found;
  }

  /** The sum over the ten best levels a side. */
  checksum(): number {
    const text = (side: "bids" | "asks") => this.levels(side, SUMMED).map(([price, quantity]) => `${price}:${quantity}`).join(",");
    return crc32(`${text("bids")}|${text("asks")}`);
  }

  /** The middle of the best prices, else the one there is, else null. */
  get middle(): number | null {
    if (this.bestBid === null || this.bestAsk === null) return this.bestBid ?? this.bestAsk;
    return Math.floor((this.bestBid + this.bestAsk) / 2);
  }

  /**
   * What buying (or selling) `quantity` of YES comes to against the book.
   * `average` is null if nothing rests; `short` is what the book doesn't have.
   */
  sweep(side: "bids" | "asks", quantity: number): { average: number | null; last: number | null; short: number } {
    let left = quantity;
    let cost = 0n;
    let last: number | null = null;
    for (const [price, rests] of this.levels(side, PRICE_SCALE)) {
      const taken = Math.min(left, rests);
      cost += BigInt(price) * BigInt(taken);
      left -= taken;
      last = price;
      if (left === 0) break;
    }
    const done = quantity - left;
    return { average: done === 0 ? null : Number(cost / BigInt(done)), last, short: left };
  }
}
