// What was measured between two looks at counts that only grow.

import type { EngineView, SpreadView } from "@/api/schema";

/** What came to a spread since an earlier look. */
export function since(before: SpreadView, now: SpreadView): SpreadView {
  const buckets = now.buckets.map((bucket, index) => ({ ...bucket, count: bucket.count - (before.buckets[index]?.count ?? 0) }));
  return { count: now.count - before.count, sum: now.sum - before.sum, buckets };
}

/** A bound that so large a part of it doesn't pass: Infinity beyond the last one, null of nothing. */
export function quantileOf(spread: SpreadView, part: number): number | null {
  if (spread.count <= 0) return null;
  const found = spread.buckets.find((bucket) => bucket.count >= spread.count * part);
  return found === undefined ? Infinity : (found.upTo ?? Infinity);
}

/** How many a second a count has grown; null before the second look. */
export function perSecond(before: EngineView, now: EngineView, of: "seq" | "orders" | "trades" | "messagesOut"): number | null {
  const seconds = (Date.parse(now.time) - Date.parse(before.time)) / 1_000;
  return seconds <= 0 ? null : (now[of] - before[of]) / seconds;
}
