// What the exchange refuses, in the reader's words and with the nearest stake that would do.
//
// Law: a refusal that has no words here is shown as the exchange says it, never hidden.

import type { ApiError } from "@/api/errors";
import { formatCash, parseCash, typedCash } from "@/units/money";
import { t } from "./texts";

const KNOWN = [
  "NO_LIQUIDITY", "WORST_PRICE", "INSUFFICIENT_BALANCE", "MAX_COST_TOO_SMALL", "MARKET_NOT_OPEN", "MARKET_POST_ONLY", "EXCHANGE_HALTED",
  "POSITION_LIMIT", "OUTSIDE_BAND", "SELF_TRADE", "ACCOUNT_SUSPENDED", "BET_ENDED", "BET_SHARES", "FOK_NOT_FILLABLE", "RATE_LIMITED", "OFFLINE",
  "UNKNOWN_OUTCOME", "UNAVAILABLE",
] as const;
const HUNDREDTH = 10_000n;
type Known = (typeof KNOWN)[number];

export interface Nearest {
  /** A plain decimal. */
  readonly stake: string;
  readonly label: string;
}
export interface Said {
  readonly text: string;
  /** The nearest stake that would be taken, where there is one. */
  readonly nearest: Nearest | null;
}

/** What a code or a reason means, null if it has no words here. */
export function wordsOf(code: string | null): string | null {
  const known = KNOWN.find((one) => one === code);
  return known === undefined ? null : t(known satisfies Known);
}

/** What is wrong with a bet or a sale; `stake` is what was typed, `available` what one has (null: unknown). */
export function saidOf(error: ApiError, stake: bigint | null, available: bigint | null): Said {
  const amount = error.of("amount");
  if (amount !== null) return beyond(amount, stake, available);
  // A bet of which nothing is traded says by what, in its message alone.
  const code = error.code === "NOTHING_TRADED" ? (KNOWN.find((one) => error.message.includes(one)) ?? null) : error.code;
  if (code === "NOT_MIRRORED") {
    return { text: t("NOT_MIRRORED", { reason: (error.of("marketId") ?? error.message).replace(/^(marketId: )?can't be traded here: /, "") }), nearest: null };
  }
  const text = wordsOf(code) ?? error.message;
  return { text, nearest: code === "INSUFFICIENT_BALANCE" ? allOf(available) : null };
}

/** The bounds that a refusal names: "must lie between 10.000000 and 10000.000000". */
export function boundsIn(message: string): readonly [bigint, bigint] | null {
  const found = /(\d+(?:\.\d+)?) and (\d+(?:\.\d+)?)/.exec(message);
  const least = parseCash(found?.[1] ?? "");
  const most = parseCash(found?.[2] ?? "");
  return least === null || most === null ? null : [least, most];
}

function beyond(message: string, stake: bigint | null, available: bigint | null): Said {
  const bounds = boundsIn(message);
  if (bounds === null) return { text: t("amountNone"), nearest: null };
  const [least, most] = bounds;
  const text = t("amountBetween", { least: formatCash(least), most: formatCash(most) });
  if (stake === null || (available !== null && available < least)) return { text, nearest: null };
  if (stake < least) return { text, nearest: { stake: typedCash(least), label: t("betLeast", { least: formatCash(least) }) } };
  if (available !== null && available < most) return { text, nearest: allOf(available) };
  return { text, nearest: { stake: typedCash(most), label: t("betMost", { most: formatCash(most) }) } };
}

function allOf(available: bigint | null): Nearest | null {
  if (available === null || available <= 0n) return null;
  // Hundredths: what lies behind them is too little to be shown.
  const all = available - (available % HUNDREDTH);
  return all === 0n ? null : { stake: typedCash(all), label: t("betAll", { cash: formatCash(all) }) };
}
