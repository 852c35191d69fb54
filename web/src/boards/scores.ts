// What a score looks like, and how long its bar is beside the others.

import { cashOf, formatCash, formatGain } from "@/units/money";

export const BOARDS = ["pnl", "volume", "calibration"] as const;
export type Board = (typeof BOARDS)[number];
export const PERIODS = ["day", "week", "month", "all"] as const;
export type Period = (typeof PERIODS)[number];

/** A coin's Brier score, which a forecaster should do better than, in 1/1 000 000. */
const COIN = 250_000n;
const SHOWN_DIGITS = 4;

/** Credits as everywhere, a Brier score with four decimals ("0.0412", cut). */
export function scoreText(board: Board, value: string): string {
  if (board === "calibration") return value.slice(0, value.indexOf(".") + 1 + SHOWN_DIGITS);
  return board === "pnl" ? formatGain(cashOf(value)) : formatCash(cashOf(value));
}

/** How long a bar is, 0 to 100: of the first one's score, or of how much better than a coin. */
export function barOf(board: Board, value: string, first: string): number {
  const score = cashOf(value);
  const [part, whole] = board === "calibration" ? [COIN - score, COIN] : [score, cashOf(first)];
  if (part <= 0n || whole <= 0n) return 0;
  return Math.min(100, Number((part * 100n) / whole));
}

/** Where a board is: the first has the plain address, all time is what isn't said. */
export function addressOf(board: Board, period: Period): string {
  return `/leaderboard${board === "pnl" ? "" : `/${board}`}${period === "all" ? "" : `?period=${period}`}`;
}

export function boardOf(text: string | undefined): Board {
  return BOARDS.find((one) => one === text) ?? "pnl";
}

export function periodOf(text: string | null): Period {
  return PERIODS.find((one) => one === text) ?? "all";
}
