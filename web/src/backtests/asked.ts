// What is asked of a backtest: as it is written in the form, and as it is sent.
//
// Law: what can't be sent is said at its field before anything goes out; whatever else is wrong the exchange says.

import { ApiError } from "@/api/errors";
import type { BacktestView, NewBacktestBody } from "@/api/schema";
import { momentOf } from "@/units/time";
import { cashText, parseCash, plainNumber } from "@/units/money";
import { strategyOf, typedValue, valueOf, type StrategyName } from "./strategies";
import { t } from "./texts";
import { marketName } from "./words";

export const SOURCES = ["markets", "sample", "tape"] as const;
/** On what it runs: recorded markets, the tape that is made up, or one that the operator offers. */
export type Source = (typeof SOURCES)[number];
export const SAMPLE = "sample";
const MARKETS_MOST = 8;
const SEED_MOST = Number.MAX_SAFE_INTEGER;
const LATENCY_MOST = 3_600_000;
const WHOLE = /^\d{1,16}$/;

export interface Written {
  readonly strategy: StrategyName;
  /** By a parameter's name, as typed. */
  readonly values: Readonly<Record<string, string>>;
  readonly source: Source;
  /** Names, with commas or spaces between. */
  readonly markets: string;
  readonly tape: string;
  readonly printsOnly: boolean;
  readonly from: string;
  readonly to: string;
  readonly cash: string;
  readonly isFree: boolean;
  readonly latency: string;
  readonly seed: string;
}

/** Names of markets as they were typed. */
export function namesOf(typed: string): string[] {
  return typed.split(/[\s,]+/).filter(Boolean);
}

/** What was typed with one more market: several go together only if all are of other venues. */
export function withMarket(typed: string, name: string): string {
  const before = namesOf(typed);
  const isTogether = [...before, name].every((one) => one.includes(":"));
  return isTogether ? [...new Set([...before, name])].slice(-MARKETS_MOST).join(", ") : name;
}

/** Whether it runs on a market of our own, whose fees are what they are. */
export function isOurs({ source, markets }: Pick<Written, "source" | "markets">): boolean {
  return source === "markets" && namesOf(markets).some((name) => !name.includes(":"));
}

/** What is sent; throws an ApiError that names each field that can't be. */
export function bodyOf(written: Written): NewBacktestBody {
  const wrong: { field: string; message: string }[] = [];
  const refuse = (field: string, message: string) => void wrong.push({ field, message });
  const parameters: Record<string, number> = {};
  for (const parameter of strategyOf(written.strategy)?.parameters ?? []) {
    const value = valueOf(parameter, written.values[parameter.name] ?? "");
    if (value === null) refuse(parameter.name, boundsOf(parameter));
    else parameters[parameter.name] = value;
  }
  const whole = (field: string, typed: string, most: number) => {
    const value = WHOLE.test(typed.trim()) ? Number(typed) : Number.NaN;
    if (!(value <= most)) refuse(field, t("between", { least: 0, most }));
    return value;
  };
  const time = (field: string, typed: string) => {
    if (typed === "") return undefined;
    const moment = momentOf(typed);
    if (!Number.isNaN(moment.getTime())) return moment.toISOString();
    refuse(field, t("noTime"));
    return undefined;
  };
  const markets = namesOf(written.markets);
  const tape = written.tape.trim();
  if (written.source === "markets" && markets.length === 0) refuse("markets", t("noMarkets"));
  if (written.source === "tape" && tape === "") refuse("tape", t("noTape"));
  const cash = parseCash(plainNumber(written.cash));
  if (cash === null || cash <= 0n) refuse("cash", t("noCash"));
  const [from, to] = [time("from", written.from), time("to", written.to)];
  const body: NewBacktestBody = {
    strategy: written.strategy,
    parameters,
    ...(written.source === "markets" ? { markets } : { tape: written.source === "sample" ? SAMPLE : tape, printsOnly: written.printsOnly }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    cash: cashText(cash ?? 0n),
    fees: written.isFree && !isOurs(written) ? "NONE" : "MARKET",
    latencyMs: whole("latencyMs", written.latency, LATENCY_MOST),
    seed: whole("seed", written.seed, SEED_MOST),
  };
  if (wrong.length > 0) throw new ApiError("VALIDATION_ERROR", t("lookAgain"), 0, wrong);
  return body;
}

function boundsOf({ unit, least, most, isAbove }: Parameters<typeof valueOf>[0]): string {
  return t(isAbove ? "aboveTo" : "between", { least: typedValue(unit, least), most: typedValue(unit, most) });
}

/** What a strategy has unless something else is said. */
export function defaultsOf(name: StrategyName): Record<string, string> {
  return Object.fromEntries((strategyOf(name)?.parameters ?? []).map((one) => [one.name, typedValue(one.unit, one.default)]));
}

/** What was run, as the form has it. */
export function writtenOf(run: BacktestView, typedTime: (time: string) => string): Written {
  const strategy = strategyOf(run.strategy);
  const ran = run.parameters as Readonly<Record<string, number>>;
  const values = (strategy?.parameters ?? []).map((one) => [one.name, typedValue(one.unit, ran[one.name] ?? one.default)]);
  return {
    strategy: run.strategy as StrategyName,
    values: Object.fromEntries(values) as Record<string, string>,
    source: run.tape === null ? "markets" : run.tape === SAMPLE ? "sample" : "tape",
    markets: run.played.map(marketName).join(", "),
    tape: run.tape ?? "",
    printsOnly: run.printsOnly,
    from: run.from === null ? "" : typedTime(run.from),
    to: run.to === null ? "" : typedTime(run.to),
    cash: run.cash.replace(/\.?0+$/, ""),
    isFree: run.fees === "NONE",
    latency: String(run.latencyMs),
    seed: String(run.seed),
  };
}
