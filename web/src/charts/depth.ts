// The sums behind the depth chart.

import type { Level } from "@/book/book";
import { PRICE_SCALE } from "@/units/money";

export interface Step {
  readonly price: number;
  /** Everything from the best price to this one. */
  readonly sum: number;
}

/** Levels, best first, summed on the way. */
export function cumulated(levels: readonly Level[]): Step[] {
  let sum = 0;
  return levels.map(([price, quantity]) => {
    sum += quantity;
    return { price, sum };
  });
}

const NARROWEST = 1_000;

/** Which prices to show: as much on both sides of the middle, 20 cents at least, within 0 and 1. */
export function spanOf(bid: number | null, ask: number | null): [number, number] {
  if (bid === null && ask === null) return [0, PRICE_SCALE];
  const middle = Math.floor(((bid ?? ask ?? 0) + (ask ?? bid ?? 0)) / 2);
  const reach = Math.max(NARROWEST, Math.min(middle, PRICE_SCALE - middle, 3_000));
  return [Math.max(0, middle - reach), Math.min(PRICE_SCALE, middle + reach)];
}
