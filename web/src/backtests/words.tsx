// How a run is named, and how it stands, wherever one is shown.

import type { BacktestView, PlayedView } from "@/api/schema";
import { newer } from "@/feed/topics";
import { strategyOf, typedValue } from "./strategies";
import { t } from "./texts";

/** What somebody calls a strategy; one that isn't known here by its own name. */
export function strategyTitle(name: string): string {
  const known = strategyOf(name)?.name;
  return known === undefined ? name : t(known);
}

/** By which name the form, and an address, take a market: one of ours by its slug. */
export function marketName(market: PlayedView): string {
  return market.slug ?? market.id;
}

/** What somebody calls a market. */
export function marketTitle(market: PlayedView): string {
  return market.question ?? marketName(market);
}

/** What it ran on. */
export function tapeText(run: BacktestView): string {
  return run.tape === null ? run.played.map(marketTitle).join(", ") : run.tape === "sample" ? t("sample") : run.tape;
}

/** How a run stands: a message doesn't say its markets' questions, which stay. */
export function asTold<R extends BacktestView>(read: R, told: BacktestView | undefined): R {
  const now = newer<BacktestView>(read, told);
  return now === read ? read : { ...read, ...now, played: read.played };
}

/** "0.02" of a parameter that is known, the bare number else. */
export function parameterText(run: BacktestView, name: string): string {
  const value = (run.parameters as Readonly<Record<string, number>>)[name];
  if (value === undefined) return "–";
  const unit = strategyOf(run.strategy)?.parameters.find((one) => one.name === name)?.unit;
  return unit === undefined ? String(value) : typedValue(unit, value);
}

/** How somebody reads a parameter's name. */
export function parameterTitle(run: Pick<BacktestView, "strategy">, name: string): string {
  const known = strategyOf(run.strategy)?.parameters.find((one) => one.name === name);
  return known === undefined ? name : t(`p_${known.name}`);
}

/** The parameters that aren't what the strategy has by itself; "" for none. */
export function otherwiseText(run: BacktestView): string {
  const ran = run.parameters as Readonly<Record<string, number>>;
  const other = (strategyOf(run.strategy)?.parameters ?? []).filter((one) => ran[one.name] !== one.default);
  return other.map((one) => `${t(`p_${one.name}`)} ${parameterText(run, one.name)}`).join(", ");
}

export function isOver(run: BacktestView): boolean {
  return run.endedAt !== null;
}

/** How far it is, in whole percent; never 100 before it has ended. */
export function percentOf(run: BacktestView): number {
  return Math.min(99, Math.floor(Number(run.progress) * 100));
}

export function Status({ of }: { of: BacktestView }) {
  const tone = of.status === "FAILED" || of.status === "CANCELLED" ? "warn" : "";
  return <span class={`badge ${tone}`} data-status={of.status}>{t(of.status)}{of.status === "RUNNING" && ` ${percentOf(of)}\u202f%`}</span>;
}
