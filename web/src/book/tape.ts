// The trades of one market, newest first, each once, at most `KEPT` of them.

import type { AnyTradeView } from "@/api/schema";
import { priceOf, quantityOf } from "@/units/money";

export interface Print {
  readonly tradeNo: number;
  /** Of YES. */
  readonly price: number;
  readonly quantity: number;
  /** Whether the taker wanted YES to be worth more; null where the venue doesn't say. */
  readonly isUp: boolean | null;
  readonly at: number;
  readonly seq: number;
}

export const KEPT = 500;

export function printOf(trade: AnyTradeView): Print {
  return {
    tradeNo: trade.tradeNo ?? 0,
    price: priceOf(trade.yesPrice) ?? 0,
    quantity: quantityOf(trade.quantity),
    isUp: trade.side === null ? null : (trade.side === "BUY") === (trade.outcome === "YES"),
    at: Date.parse(trade.createdAt),
    seq: trade.seq ?? 0,
  };
}

export class Tape {
  prints: readonly Print[] = [];
  private readonly known = new Set<number>();
  /** The highest number up to which every print is here. */
  upTo = 0;

  /** Take prints in any order; returns whether any is new. */
  add(prints: readonly Print[]): boolean {
    const fresh = prints.filter((print) => !this.known.has(print.tradeNo));
    if (fresh.length === 0) return false;
    for (const print of fresh) this.known.add(print.tradeNo);
    const all = [...fresh, ...this.prints].sort((a, b) => b.tradeNo - a.tradeNo);
    for (const old of all.slice(KEPT)) this.known.delete(old.tradeNo);
    this.prints = all.slice(0, KEPT);
    if (this.upTo === 0) this.upTo = this.prints.at(-1)?.tradeNo ?? 0;
    while (this.known.has(this.upTo + 1)) this.upTo += 1;
    return true;
  }

  /** The seq behind which to read what is missing up to a number, null if nothing is. */
  missing(tradeNo: number): number | null {
    if (tradeNo <= this.upTo) return null;
    const last = this.prints.find((print) => print.tradeNo === this.upTo);
    return last === undefined ? 0 : Math.max(0, last.seq - 1);
  }

  /** Forget all: another epoch of a venue numbers anew. */
  clear(): void {
    this.prints = [];
    this.known.clear();
    this.upTo = 0;
  }
}
