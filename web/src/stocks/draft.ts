// What is typed into the ticket, and what would come of it: foreseen, and what keeps it from being sent, in words with the
// nearest value that can.

import type { StockBuyBody, StockSellBody } from "@/api/schema";
import { cashText, formatCash, formatQuantity, parseCash, parseQuantity, plainNumber, typedCash, typedQuantity } from "@/units/money";
import { bearable, buying, isCovered, selling, sharesBringing, sharesFor, worstPrice, type Foreseen, type Held, type Leverage, type Line } from "./curve";
import { t } from "./texts";

export type Side = "BUY" | "SELL";
export type Unit = "shares" | "amount";
/** In hundredths of a percent: how far the price may move before nothing happens. */
export const TOLERANCES = ["0", "50", "100", "500"] as const;
export type Tolerance = (typeof TOLERANCES)[number];

export interface Draft {
  readonly side: Side;
  readonly unit: Unit;
  readonly typed: string;
  readonly leverage: Leverage;
  readonly tolerance: Tolerance;
}

/** A value that can be, to be taken by a press. */
export interface Nearest {
  readonly text: string;
  readonly change: Partial<Draft>;
}

export interface Judged {
  readonly foreseen: Foreseen | null;
  /** Why it can't be sent; null if it can, or nothing is typed yet. */
  readonly problem: string | null;
  readonly nearest: Nearest | null;
}

const NOTHING: Judged = { foreseen: null, problem: null, nearest: null };

/** Judge a draft; `available` is one's cash, null where it isn't known. */
export function judged(draft: Draft, line: Line, held: Held, available: bigint | null): Judged {
  const typed = plainNumber(draft.typed);
  if (typed === "") return NOTHING;
  return draft.unit === "shares" ? ofShares(draft, typed, line, held, available) : ofAmount(draft, typed, line, held, available);
}

function ofShares(draft: Draft, typed: string, line: Line, held: Held, available: bigint | null): Judged {
  const count = parseQuantity(typed);
  if (count === null || count <= 0) {
    const cut = parseQuantity(typed.replace(/^(\d+\.\d{2})\d+$/, "$1"));
    return { foreseen: null, problem: t("noShares"), nearest: cut === null || cut <= 0 ? null : takeShares(BigInt(cut)) };
  }
  const shares = BigInt(count);
  return draft.side === "BUY" ? ofBuying(draft, line, held, shares, available) : ofSelling(line, held, shares);
}

function ofAmount(draft: Draft, typed: string, line: Line, held: Held, available: bigint | null): Judged {
  const amount = parseCash(typed);
  if (amount === null || amount <= 0n) return { foreseen: null, problem: t("noAmount"), nearest: null };
  if (draft.side === "BUY") {
    const shares = sharesFor(line, amount * BigInt(draft.leverage));
    if (shares > 0n) return ofBuying(draft, line, held, shares, available);
    const least = buying(line, held, 1n, draft.leverage);
    return { foreseen: null, problem: t("tooLittle"), nearest: takeAmount(-least.cash) };
  }
  const shares = sharesBringing(line, amount);
  if (shares !== null && shares <= held.shares) return ofSelling(line, held, shares);
  if (held.shares === 0n) return { foreseen: null, problem: t("noneHeld"), nearest: null };
  const most = selling(line, held, held.shares).total;
  return { foreseen: null, problem: t("bringsLess", { most: formatCash(most) }), nearest: takeAmount(most) };
}

function ofBuying(draft: Draft, line: Line, held: Held, shares: bigint, available: bigint | null): Judged {
  const foreseen = buying(line, held, shares, draft.leverage);
  if (available !== null && -foreseen.cash > available) {
    const most = sharesFor(line, available * BigInt(draft.leverage));
    const nearest = most === 0n ? null : draft.unit === "shares" ? takeShares(most) : takeAmount(available);
    return { foreseen, problem: t("tooDear", { available: formatCash(available) }), nearest };
  }
  if (!isCovered(line, held, foreseen)) {
    const leverage = bearable(line, held, shares, draft.leverage);
    return { foreseen, problem: t("notCovered", { leverage: draft.leverage }), nearest: leverage < draft.leverage ? { text: t("takeLeverage", { leverage }), change: { leverage } } : null };
  }
  return { foreseen, problem: null, nearest: null };
}

function ofSelling(line: Line, held: Held, shares: bigint): Judged {
  if (held.shares === 0n) return { foreseen: null, problem: t("noneHeld"), nearest: null };
  if (shares > held.shares) return { foreseen: null, problem: t("holdLess", { shares: formatQuantity(Number(held.shares)) }), nearest: takeShares(held.shares) };
  return { foreseen: selling(line, held, shares), problem: null, nearest: null };
}

function takeShares(shares: bigint): Nearest {
  return { text: t("takeShares", { shares: formatQuantity(Number(shares)) }), change: { unit: "shares", typed: typedQuantity(Number(shares)) } };
}

function takeAmount(amount: bigint): Nearest {
  return { text: t("takeAmount", { amount: formatCash(amount, true) }), change: { unit: "amount", typed: typedCash(amount) } };
}

/** A part of what one can buy or has to sell, as it stands in the field. */
export function partOf(draft: Draft, percent: number, line: Line, held: Held, available: bigint | null): string {
  const part = (of: bigint) => (of * BigInt(percent)) / 100n;
  if (draft.side === "SELL") {
    const shares = part(held.shares);
    return draft.unit === "shares" ? typedQuantity(Number(shares)) : typedCash(selling(line, held, shares === 0n ? 1n : shares).total);
  }
  const amount = part(available ?? 0n);
  return draft.unit === "amount" ? typedCash(amount) : typedQuantity(Number(sharesFor(line, amount * BigInt(draft.leverage))));
}

/** What is sent of it, but for its request id. */
export function bodyOf(symbol: string, draft: Draft, foreseen: Foreseen): StockBuyBody & StockSellBody {
  const isBuy = draft.side === "BUY";
  const worst = worstPrice(foreseen, isBuy, Number(draft.tolerance));
  const typed = plainNumber(draft.typed);
  return {
    symbol,
    ...(draft.unit === "shares" ? { shares: typed } : { amount: typed }),
    ...(isBuy ? { leverage: draft.leverage, maxPrice: cashText(worst) } : worst > 0n ? { minPrice: cashText(worst) } : {}),
  };
}
