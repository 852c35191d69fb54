// What a run earned and how: which figures there are, how each is written, and which of two is the better one.
//
// Law: money and shares are counted in whole numbers; ratios alone, which the exchange sends rounded, are floating.

import type { FiguresView } from "@/api/schema";
import { cashOf, formatCash, formatGain, formatQuantity, quantityOf } from "@/units/money";
import { untilThen } from "@/units/time";

/** What the others say already isn't said again. */
export type FigureName = Exclude<keyof FiguresView, "start" | "filled" | "periods">;
type Kind = "gain" | "cash" | "shares" | "percent" | "gainPercent" | "ratio" | "score" | "count" | "span";
export interface Figure {
  readonly name: FigureName;
  readonly kind: Kind;
  /** Whether more is better, less is, or neither. */
  readonly better: "more" | "less" | null;
}
export type GroupName = "earned" | "risked" | "traded" | "foreseen";

const figure = (name: FigureName, kind: Kind, better: Figure["better"] = null): Figure => ({ name, kind, better });
export const GROUPS: readonly { readonly name: GroupName; readonly figures: readonly Figure[] }[] = [
  { name: "earned", figures: [figure("net", "gain", "more"), figure("totalReturn", "gainPercent", "more"), figure("gross", "gain", "more"), figure("fees", "cash", "less"), figure("feesUnknown", "count"), figure("end", "cash", "more")] },
  {
    name: "risked",
    figures: [figure("sharpe", "ratio", "more"), figure("sortino", "ratio", "more"), figure("drawdown", "percent", "less"), figure("drawdownMoney", "cash", "less"), figure("drawdownSeconds", "span", "less"), figure("exposure", "percent")],
  },
  {
    name: "traded",
    figures: [figure("fills", "count"), figure("makerFills", "count"), figure("turnover", "cash"), figure("ordered", "shares"), figure("fillRatio", "percent"), figure("queueSeconds", "span", "less"), figure("winRate", "percent", "more"), figure("profitFactor", "ratio", "more")],
  },
  { name: "foreseen", figures: [figure("brier", "score", "less"), figure("resolved", "count")] },
];
export const FIGURES = GROUPS.flatMap((group) => group.figures);

const MINUTE_S = 60;
const MINUS = "\u2212";

function decimal(value: number, places: number): string {
  const text = Math.abs(value).toFixed(places);
  return value < 0 && /[1-9]/.test(text) ? `${MINUS}${text}` : text;
}

/** A part of a whole, in percent; a gain with its sign. */
export function percent(value: number, isGain: boolean): string {
  const text = decimal(value * 100, 2);
  return `${isGain && value > 0 && /[1-9]/.test(text) ? "+" : ""}${text}\u202f%`;
}

/** How long something took: "3d 4h", below a minute "12.3 s". */
export function spanText(seconds: number): string {
  return seconds < MINUTE_S ? `${decimal(seconds, seconds % 1 === 0 ? 0 : 1)}\u202fs` : untilThen(seconds * 1_000, 0);
}

/** A figure as it is read; a dash for one that has no meaning, or wasn't counted yet when the run was. */
export function figureText({ name, kind }: Figure, of: FiguresView): string {
  const value = of[name];
  if (value === null || value === undefined) return "–";
  const text = String(value);
  switch (kind) {
    case "gain":
      return formatGain(cashOf(text));
    case "cash":
      return formatCash(cashOf(text));
    case "shares":
      return formatQuantity(quantityOf(text));
    case "percent":
      return percent(Number(text), false);
    case "gainPercent":
      return percent(Number(text), true);
    case "ratio":
      return decimal(Number(text), 2);
    case "score":
      return decimal(Number(text), 4);
    case "span":
      return spanText(Number(text));
    case "count":
      return text.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  }
}

/** Which of two runs is the better one by a figure; null if neither is, or it can't be said. */
export function betterOf({ name, better }: Figure, first: FiguresView, second: FiguresView): 0 | 1 | null {
  const [a, b] = [first[name], second[name]];
  if (better === null || a === null || b === null) return null;
  // Money is compared as it is counted, to the last micro-credit; ratios have as many decimals.
  const [x, y] = [cashOf(String(a)), cashOf(String(b))];
  if (x === y) return null;
  return x > y === (better === "more") ? 0 : 1;
}
