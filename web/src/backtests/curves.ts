// The lines of a run: what all was worth, how far below its peak that was, and two runs beside each other.
//
// Law: falls are measured of what is drawn, which is thinned to 2 000 points; the figures are of every moment.

import type { EquityPoint } from "@/api/schema";
import { cashOf } from "@/units/money";

/** What is drawn: pixels need no exactness, so here alone amounts become floating. */
export interface Drawn {
  /** Seconds. */
  readonly times: readonly number[];
  readonly values: readonly number[];
}

const seconds = (time: string) => Date.parse(time) / 1_000;

/** Credits over time. */
export function equityOf(curve: readonly EquityPoint[]): Drawn {
  return { times: curve.map((point) => seconds(point.at)), values: curve.map((point) => Number(cashOf(point.equity)) / 1_000_000) };
}

/** How far below its peak up to then each value is, in parts of the peak: 0 to -1. */
export function fallsOf(values: readonly number[]): number[] {
  let peak = -Infinity;
  return values.map((value) => {
    peak = Math.max(peak, value);
    return peak <= 0 ? 0 : (value - peak) / peak;
  });
}

export interface Beside {
  /** Seconds since each began. */
  readonly times: readonly number[];
  readonly first: readonly (number | null)[];
  readonly second: readonly (number | null)[];
}

/** Two lines by the time since each began; between its points a line keeps its value, behind its last one it ends. */
export function besideEachOther(first: Drawn, second: Drawn): Beside {
  const since = ({ times }: Drawn) => times.map((time) => time - (times[0] ?? 0));
  const [a, b] = [since(first), since(second)];
  const times = [...new Set([...a, ...b])].sort((x, y) => x - y);
  return { times, first: heldAt(times, a, first.values), second: heldAt(times, b, second.values) };
}

function heldAt(times: readonly number[], own: readonly number[], values: readonly number[]): (number | null)[] {
  let index = -1;
  const last = own.at(-1) ?? -Infinity;
  return times.map((time) => {
    while (index + 1 < own.length && (own[index + 1] ?? Infinity) <= time) index += 1;
    return time > last ? null : (values[index] ?? null);
  });
}
