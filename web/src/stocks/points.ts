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

/** How far back a chart goes: the last day lies with the stock itself, the rest is asked for. */
export const PERIODS = ["day", "week", "month", "year", "all"] as const;
export type Period = (typeof PERIODS)[number];

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
  return merged([...begun, ...stock.history, ...own, ...seen], since, last.time);
}

/** A past that was read, up to now: what was seen since and one's own trades are put in. */
export function withNow(read: readonly Point[], { stock, own, seen }: Known): readonly Point[] {
  const first = read[0];
  const last = stock.history.at(-1);
  if (first === undefined || last === undefined) return [];
  return merged([...read, ...own, ...seen, { time: last.time, price: stock.price }], first.time, last.time);
}

/** Those of a span, each moment once, oldest first. */
function merged(points: readonly Point[], since: string, until: string): readonly Point[] {
  const byTime = new Map(points.filter((one) => one.time >= since && one.time <= until).map((one) => [one.time, one]));
  return [...byTime.values()].sort((a, b) => (a.time < b.time ? -1 : 1));
}

/** What was seen of a price, with what is seen now if it is another one. */
export function seenOf(before: readonly Point[], stock: StockView): readonly Point[] {
  const now = stock.history.at(-1);
  if (now === undefined || before.at(-1)?.price === now.price) return before;
  return [...before, now].slice(-SEEN_KEPT);
}
