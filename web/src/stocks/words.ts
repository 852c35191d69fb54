// What the exchange refuses of an order of a stock, in the reader's words.
//
// Law: a refusal that has no words here is shown as the exchange says it, never hidden.

import type { ApiError } from "@/api/errors";
import { t } from "./texts";

const KNOWN = ["PRICE_MOVED", "STOCK_HALTED", "SUPPLY_EXHAUSTED", "TOO_MANY_LOANS", "NOT_COVERED", "INSUFFICIENT_SHARES", "AMOUNT_TOO_SMALL", "INSUFFICIENT_BALANCE", "ACCOUNT_SUSPENDED", "UNAVAILABLE", "RATE_LIMITED"] as const;

/** What a refusal means; null if it has no words here. */
export function wordsOf(error: ApiError): string | null {
  const known = KNOWN.find((one) => one === error.code);
  return known === undefined ? null : t(known);
}
