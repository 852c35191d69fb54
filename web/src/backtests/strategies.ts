// The strategies that the exchange runs, with what each may be told: names, bounds and defaults as it says them.
//
// Laws: they are read before anything of this room is shown (BacktestsPage); one that has no words here isn't offered. A parameter
// is typed in units that people read (credits, shares) and sent in those of the exchange.

import { computed, signal } from "@preact/signals";
import type { NewBacktestBody, OfferedView, ParameterView } from "@/api/schema";
import { parsePrice, parseQuantity, plainNumber } from "@/units/money";

export type StrategyName = NewBacktestBody["strategy"];
export type Unit = "price" | "shares" | "seconds" | "deviations" | "part";

/** How each parameter is typed; a test of the exchange's looks that none is missing. */
const UNITS = {
  half_spread: "price", size: "shares", most: "shares", skew: "price", memory_s: "seconds", threshold: "price", enter: "deviations", leave: "deviations",
  fraction: "part", edge: "price", doubt: "part", band: "part", chance: "price",
} as const satisfies Readonly<Record<string, Unit>>;
const NAMES: readonly string[] = ["market-maker", "momentum", "mean-reversion", "fair-value", "arbitrage"] satisfies readonly StrategyName[];
export type ParameterName = keyof typeof UNITS;

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

/** What the exchange says that may be asked for; null until it has said it. */
export const offered = signal<OfferedView | null>(null);
export const strategies = computed<readonly Strategy[]>(() =>
  (offered.value?.strategies ?? []).flatMap((one) => (isNamed(one.name) ? [{ name: one.name, parameters: one.parameters.flatMap(parameterOf) }] : [])),
);
const SCALES: Readonly<Record<Unit, number>> = { price: 10_000, shares: 100, seconds: 1, deviations: 1, part: 1 };
const NUMBER = /^\d+(\.\d+)?$/;

function isNamed(name: string): name is StrategyName {
  return NAMES.includes(name);
}

function parameterOf({ name, minimum, exclusiveMinimum, maximum, default: value }: ParameterView): Parameter[] {
  if (!(name in UNITS)) return [];
  const known = name as ParameterName;
  return [{ name: known, unit: UNITS[known], least: minimum ?? exclusiveMinimum ?? -Infinity, most: maximum ?? Infinity, isAbove: minimum === null && exclusiveMinimum !== null, default: value }];
}

/** The strategy of a name, undefined for one that isn't here. */
export function strategyOf(name: string): Strategy | undefined {
  return strategies.value.find((one) => one.name === name);
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
