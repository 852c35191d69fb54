// The strategies that the exchange runs, with what each may be told: names, bounds and defaults as it declares them
// (`strategies.json`, which a test of `tests/gateway/site` compares with `gateway/research/strategies`).
//
// Law: a parameter is typed in units that people read (credits, shares) and sent in those of the exchange.

import type { NewBacktestBody } from "@/api/schema";
import { parsePrice, parseQuantity, plainNumber } from "@/units/money";
import declared from "./strategies.json";

export type StrategyName = NewBacktestBody["strategy"];
export type Unit = "price" | "shares" | "seconds" | "deviations" | "part";
export type ParameterName = "half_spread" | "size" | "most" | "skew" | "memory_s" | "threshold" | "enter" | "leave" | "fraction" | "edge" | "doubt" | "band" | "chance";

export interface Parameter {
  readonly name: ParameterName;
  readonly unit: Unit;
  /** Bounds in the exchange's own units; `isAbove` says that the lower one itself is too little. */
  readonly least: number;
  readonly most: number;
  readonly isAbove: boolean;
  readonly default: number;
}
export interface Strategy {
  readonly name: StrategyName;
  readonly parameters: readonly Parameter[];
}

export const STRATEGIES = declared as readonly Strategy[];
const SCALES: Readonly<Record<Unit, number>> = { price: 10_000, shares: 100, seconds: 1, deviations: 1, part: 1 };
const NUMBER = /^\d+(\.\d+)?$/;

/** The strategy of a name, undefined for one that isn't here. */
export function strategyOf(name: string): Strategy | undefined {
  return STRATEGIES.find((one) => one.name === name);
}

/** A value of the exchange's as it is typed: 200 of a price is "0.02". */
export function typedValue(unit: Unit, value: number): string {
  return String(value / SCALES[unit]);
}

/** What was typed, in the exchange's units; null for what isn't a number, or lies beyond the bounds. */
export function valueOf(parameter: Parameter, typed: string): number | null {
  const text = plainNumber(typed);
  const { unit, least, most, isAbove } = parameter;
  const value = unit === "price" ? parsePrice(text) : unit === "shares" ? parseQuantity(text) : NUMBER.test(text) ? Number(text) : null;
  if (value === null || value > most || value < least || (isAbove && value === least)) return null;
  return value;
}
