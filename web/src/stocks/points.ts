// What is known of a stock's price in the last day.

import type { StockView } from "@/api/schema";

const DAY_MS = 86_400_000;
const SEEN_KEPT = 500;

/** A price that is known of a moment. */
export interface Point {
  readonly time: string;
  readonly price: string;
}

/** A moment of one's own. */
export interface Mark {
  readonly time: string;
  readonly price: string;
  readonly isBuy: boolean;
}

interface Known {
  readonly stock: StockView;
  readonly own: readonly Mark[];
  /** Prices that were seen since the page was opened. */
  readonly seen: readonly Point[];
}

/** All that is known of the last day, oldest first: by the hour, its beginning, one's own trades, and what was seen. */
export function pointsOf({ stock, own, seen }: Known): readonly Point[] {
  const first = stock.history[0];
  const last = stock.history.at(-1);
  if (first === undefined || last === undefined) return [];
  const isNew = Date.parse(last.time) - Date.parse(stock.createdAt) < DAY_MS;
  // A stock begins with no share, at the price of the first one.
  const begun = isNew ? [{ time: stock.createdAt, price: stock.basePrice }] : [];
  const since = isNew ? stock.createdAt : first.time;
  const all = [...begun, ...stock.history, ...own, ...seen].filter((one) => one.time >= since && one.time <= last.time);
  const byTime = new Map(all.map((one) => [one.time, one]));
  return [...byTime.values()].sort((a, b) => (a.time < b.time ? -1 : 1));
}

/** What was seen of a price, with what is seen now if it is another one. */
export function seenOf(before: readonly Point[], stock: StockView): readonly Point[] {
  const now = stock.history.at(-1);
  if (now === undefined || before.at(-1)?.price === now.price) return before;
  return [...before, now].slice(-SEEN_KEPT);
}
