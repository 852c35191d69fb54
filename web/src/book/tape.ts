// The trades of one market, newest first, each once, at most `KEPT` of them.

import type { AnyTradeView } from "@/api/schema";
import { priceOf, quantityOf } from "@/units/money";

export interface Print {
  readonly id: string;
  /** Dense within an epoch; null for what was read of another venue. */
  readonly tradeNo: number | null;
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
    id: trade.id,
    tradeNo: trade.tradeNo,
    price: priceOf(trade.yesPrice) ?? 0,
    quantity: quantityOf(trade.quantity),
    isUp: trade.side === null ? null : (trade.side === "BUY") === (trade.outcome === "YES"),
    at: Date.parse(trade.createdAt),
    seq: trade.seq ?? 0,
  };
}

/** What orders prints. */
export type Moment = Pick<Print, "at" | "tradeNo">;

/** The order of prints; what another venue's own page shows has no numbers, so time comes first. */
export function newestFirst(a: Moment, b: Moment): number {
  return b.at - a.at || (b.tradeNo ?? 0) - (a.tradeNo ?? 0);
}

export class Tape {
  prints: readonly Print[] = [];
  private readonly known = new Set<string>();
  private readonly numbers = new Set<number>();
  /** The highest number up to which every print is here, from the oldest kept on. */
  upTo = 0;

  /** Take prints in any order; returns whether any is new. */
  add(prints: readonly Print[]): boolean {
    const fresh = prints.filter((print) => !this.known.has(print.id) && this.known.add(print.id));
    if (fresh.length === 0) return false;
    for (const { tradeNo } of fresh) if (tradeNo !== null) this.numbers.add(tradeNo);
    const all = [...fresh, ...this.prints].sort(newestFirst);
    for (const old of all.slice(KEPT)) {
      this.known.delete(old.id);
      if (old.tradeNo !== null) this.numbers.delete(old.tradeNo);
    }
    this.prints = all.slice(0, KEPT);
    // What is behind the oldest one kept can't be shown any more: it isn't waited for.
    const oldest = this.prints.findLast((print) => print.tradeNo !== null)?.tradeNo ?? 0;
    if (this.upTo === 0 || this.upTo < oldest) this.upTo = oldest;
    while (this.numbers.has(this.upTo + 1)) this.upTo += 1;
    return true;
  }

  /** The seq behind which to read what is missing up to a number, null if nothing is. */
  missing(tradeNo: number): number | null {
    if (tradeNo <= this.upTo) return null;
    const last = this.prints.find((print) => print.tradeNo === this.upTo);
    return last === undefined ? 0 : Math.max(0, last.seq - 1);
  }

  /** Forget all: another epoch numbers anew. */
  clear(): void {
    this.prints = [];
    this.known.clear();
    this.numbers.clear();
    this.upTo = 0;
  }
}
