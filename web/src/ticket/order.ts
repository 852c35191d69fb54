// What a ticket says as an order, and what keeps it from being one, each with the nearest value that
// would do.
//
// Laws: pure; whole numbers. The exchange judges again: this is for a quick word, not for safety.

import type { OrderBody } from "@/api/schema";
import { PRICE_SCALE, formatPrice, formatQuantity, onTick, parseCash, parsePrice, parseQuantity, priceText, quantityText, cashText } from "@/units/money";
import { momentOf } from "@/units/time";

export type OrderKind = OrderBody["type"];
export type TimeInForce = "GTC" | "GTD" | "IOC" | "FOK";

export interface Draft {
  readonly side: "BUY" | "SELL";
  readonly outcome: "YES" | "NO";
  readonly type: OrderKind;
  readonly price: string;
  readonly quantity: string;
  /** Whether a MARKET BUY says what to spend rather than how many shares. */
  readonly byCost: boolean;
  readonly maxCost: string;
  readonly worstPrice: string;
  /** Whether a TAKE_PROFIT becomes a LIMIT order rather than a MARKET one. */
  readonly isLimited: boolean;
  readonly triggerPrice: string;
  readonly triggerBy: "LAST" | "BEST";
  readonly timeInForce: TimeInForce;
  /** Time in the reader's zone as `<input type="datetime-local">` has it. */
  readonly expiresAt: string;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly selfTradePrevention: "CANCEL_TAKER" | "CANCEL_MAKER" | "CANCEL_BOTH";
}

export const EMPTY_DRAFT: Draft = {
  side: "BUY", outcome: "YES", type: "LIMIT", price: "", quantity: "10", byCost: false, maxCost: "", worstPrice: "", isLimited: false, triggerPrice: "",
  triggerBy: "LAST", timeInForce: "GTC", expiresAt: "", postOnly: false, reduceOnly: false, selfTradePrevention: "CANCEL_TAKER",
};

export interface Terms {
  /** In price units. */
  readonly tick: number;
  readonly minQuantity: number;
}

export type Field = "price" | "quantity" | "maxCost" | "worstPrice" | "triggerPrice" | "expiresAt";
/** What is wrong with a field: a text of the catalogue, and what would do instead. */
export interface Problem {
  readonly field: Field;
  readonly text: "needsPrice" | "offTick" | "needsQuantity" | "belowMinimum" | "needsCost" | "needsExpiry" | "needsWorst";
  readonly offer: string | null;
}

export const waits = (type: OrderKind) => type === "STOP" || type === "STOP_LIMIT" || type === "TAKE_PROFIT";
/** Whether the order has a price of its own. */
export const hasPrice = (draft: Draft) => draft.type === "LIMIT" || draft.type === "STOP_LIMIT" || (draft.type === "TAKE_PROFIT" && draft.isLimited);
/** Whether it is told by what to spend. */
export const isByCost = (draft: Draft) => draft.byCost && draft.side === "BUY" && !hasPrice(draft);
export const mayRest = (draft: Draft) => hasPrice(draft) && (draft.timeInForce === "GTC" || draft.timeInForce === "GTD");
/** Which times in force go with the order. */
export function timesOf(draft: Draft): readonly TimeInForce[] {
  return hasPrice(draft) ? ["GTC", "GTD", "IOC", "FOK"] : ["IOC", "FOK"];
}

/** The draft with what its type allows: a MARKET order can't wait, an order at once can't expire. */
export function settled(draft: Draft): Draft {
  const times = timesOf(draft);
  const timeInForce = times.includes(draft.timeInForce) ? draft.timeInForce : (times[0] ?? "GTC");
  const whole = { ...draft, timeInForce };
  return { ...whole, postOnly: whole.postOnly && draft.type === "LIMIT" && mayRest(whole), reduceOnly: whole.reduceOnly && !mayRest(whole) };
}

/** The draft of an outcome: the other one's price is the same place of the book, seen from there. */
export function withOutcome(draft: Draft, outcome: Draft["outcome"], tick: number): Draft {
  const price = parsePrice(draft.price);
  if (outcome === draft.outcome || price === null || price <= 0 || price >= PRICE_SCALE) return { ...draft, outcome };
  return { ...draft, outcome, price: formatPrice(PRICE_SCALE - price, tick) };
}

/** The draft of another type. A time in force that was meant for an order at once doesn't stay with one that may rest. */
export function withType(draft: Draft, type: OrderKind): Draft {
  const changed = { ...draft, type };
  const timeInForce = hasPrice(draft) === hasPrice(changed) ? draft.timeInForce : (timesOf(changed)[0] ?? "GTC");
  return settled({ ...changed, timeInForce });
}

/** What a click on the armed ladder places: the ticket's shares, a plain limit until it is cancelled. */
export function ladderDraft(draft: Draft, outcome: Draft["outcome"], price: string): Draft {
  return { ...EMPTY_DRAFT, quantity: draft.quantity, outcome, price };
}

function priceProblem(field: Field, text: string, terms: Terms): Problem | null {
  const price = parsePrice(text);
  if (price === null || price <= 0) return { field, text: "needsPrice", offer: null };
  const nearest = onTick(price, terms.tick);
  return price === nearest ? null : { field, text: "offTick", offer: formatPrice(nearest, terms.tick) };
}

function quantityProblem(text: string, terms: Terms): Problem | null {
  const quantity = parseQuantity(text);
  if (quantity === null || quantity <= 0) return { field: "quantity", text: "needsQuantity", offer: formatQuantity(terms.minQuantity) };
  if (quantity < terms.minQuantity) return { field: "quantity", text: "belowMinimum", offer: formatQuantity(terms.minQuantity) };
  return null;
}

/** What is wrong with a draft, nothing if it can be asked about. */
export function problemsOf(draft: Draft, terms: Terms, now: number): Problem[] {
  const found: (Problem | null)[] = [];
  if (hasPrice(draft)) found.push(priceProblem("price", draft.price, terms));
  if (waits(draft.type)) found.push(priceProblem("triggerPrice", draft.triggerPrice, terms));
  if (!hasPrice(draft) && draft.worstPrice !== "") found.push(priceProblem("worstPrice", draft.worstPrice, terms));
  if (isByCost(draft)) {
    const cost = parseCash(draft.maxCost);
    if (cost === null || cost <= 0n) found.push({ field: "maxCost", text: "needsCost", offer: null });
  } else {
    found.push(quantityProblem(draft.quantity, terms));
    // A BUY without a limit that waits has to say what to set aside.
    const mustBound = waits(draft.type) && draft.side === "BUY" && !hasPrice(draft) && !draft.reduceOnly;
    if (mustBound && draft.worstPrice === "") found.push({ field: "worstPrice", text: "needsWorst", offer: null });
  }
  if (draft.timeInForce === "GTD" && !(momentOf(draft.expiresAt).getTime() > now)) found.push({ field: "expiresAt", text: "needsExpiry", offer: null });
  return found.filter((problem) => problem !== null);
}

/** The order as the API takes it; only of a draft without problems. */
export function bodyOf(draft: Draft): OrderBody {
  const price = (text: string) => priceText(parsePrice(text) ?? 0);
  return {
    side: draft.side,
    outcome: draft.outcome,
    type: draft.type,
    ...(hasPrice(draft) && { price: price(draft.price) }),
    ...(isByCost(draft) ? { maxCost: cashText(parseCash(draft.maxCost) ?? 0n) } : { quantity: quantityText(parseQuantity(draft.quantity) ?? 0) }),
    ...(!hasPrice(draft) && draft.worstPrice !== "" && { worstPrice: price(draft.worstPrice) }),
    ...(waits(draft.type) && { triggerPrice: price(draft.triggerPrice), triggerBy: draft.triggerBy }),
    ...(draft.type !== "MARKET" || draft.timeInForce === "FOK" ? { timeInForce: draft.timeInForce } : {}),
    ...(draft.timeInForce === "GTD" && { expiresAt: momentOf(draft.expiresAt).toISOString() }),
    ...(draft.postOnly && { postOnly: true }),
    ...(draft.reduceOnly && { reduceOnly: true }),
    ...(draft.selfTradePrevention !== "CANCEL_TAKER" && { selfTradePrevention: draft.selfTradePrevention }),
  };
}
