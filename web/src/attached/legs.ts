// What may be attached to the ticket's order: exits for what it buys, or a second order of which one
// cancels the other; and the order group that all of it counts in.
//
//   BUY 10 YES with exits      filled at once: SELL LIMIT and SELL STOP as a pair (OCO), which lock the shares
//                              rests: the same exits as a pair of reduce-only BUYs of NO, which lock nothing
//                              and find out when they are due how much there is to get rid of
//
// Laws: pure; prices are of the ticket's outcome and turned over where an exit buys the other one. The exits
// of what rests are at the exchange before it fills: no page has to be open for them.

import type { OrderBody } from "@/api/schema";
import { EMPTY_DRAFT, bodyOf, isByCost, problemsOf, settled, waits, type Draft, type Problem, type Terms } from "@/ticket/order";
import { PRICE_SCALE, costOf, formatPrice, onTick, parsePrice, priceText, quantityText } from "@/units/money";

export type Mode = "none" | "exits" | "other";

export interface Attached {
  readonly mode: Mode;
  /** Plain prices of the ticket's outcome; empty for none. */
  readonly takeProfit: string;
  readonly stop: string;
  /** The least that the stop sells at; empty for whatever is bid. */
  readonly stopWorst: string;
  /** The second order of a pair; its side, outcome and shares are the ticket's. */
  readonly other: Draft;
  /** The order group that everything sent counts in; null for none. */
  readonly groupId: string | null;
}

export const NOTHING: Attached = { mode: "none", takeProfit: "", stop: "", stopWorst: "", other: { ...EMPTY_DRAFT, type: "STOP" }, groupId: null };

export type ExitField = "takeProfit" | "stop" | "stopWorst";
export interface ExitProblem {
  readonly field: ExitField;
  readonly text: "needsPrice" | "offTick" | "aboveEntry" | "belowEntry" | "belowStop";
  readonly offer: string | null;
}

/** Which kinds of attachments go with an order: exits with what may fill now, pairs with what rests or waits. */
export function modesOf(draft: Draft): readonly Mode[] {
  const isPair = waits(draft.type) || (draft.type === "LIMIT" && (draft.timeInForce === "GTC" || draft.timeInForce === "GTD"));
  return ["none", ...(draft.side === "BUY" && !waits(draft.type) ? ["exits" as const] : []), ...(isPair && !isByCost(draft) ? ["other" as const] : [])];
}

/** What is attached as far as it goes with the order: what doesn't is as if nothing were. */
export function fitting(attached: Attached, draft: Draft): Attached {
  return modesOf(draft).includes(attached.mode) ? attached : { ...attached, mode: "none" };
}

/** The types that may be the other one of a pair: one of both waits for a price. */
export function otherTypes(draft: Draft): readonly Draft["type"][] {
  return waits(draft.type) ? ["STOP", "STOP_LIMIT", "TAKE_PROFIT", "LIMIT"] : ["STOP", "STOP_LIMIT", "TAKE_PROFIT"];
}

/** The second order of a pair, whole. */
export function otherOf(attached: Attached, draft: Draft): Draft {
  const type = otherTypes(draft).includes(attached.other.type) ? attached.other.type : "STOP";
  const { side, outcome, quantity } = draft;
  return settled({ ...attached.other, type, side, outcome, quantity, byCost: false, selfTradePrevention: draft.selfTradePrevention });
}

export const hasExits = (attached: Attached) => attached.takeProfit !== "" || attached.stop !== "";

/** What is wrong with exits. `entry` is the price that is paid at most, null where it isn't known yet. */
export function exitProblems(attached: Attached, entry: number | null, tick: number): ExitProblem[] {
  const found: ExitProblem[] = [];
  const check = (field: ExitField, text: ExitProblem["text"], isRight: (price: number) => boolean, nearest: number | null) => {
    const price = parsePrice(attached[field]);
    if (attached[field] === "") return;
    if (price === null || price <= 0) found.push({ field, text: "needsPrice", offer: null });
    else if (price !== onTick(price, tick)) found.push({ field, text: "offTick", offer: formatPrice(onTick(price, tick), tick) });
    else if (!isRight(price)) found.push({ field, text, offer: nearest === null || nearest <= 0 || nearest >= PRICE_SCALE ? null : formatPrice(nearest, tick) });
  };
  check("takeProfit", "aboveEntry", (price) => entry === null || price > entry, entry === null ? null : entry + tick);
  check("stop", "belowEntry", (price) => entry === null || price < entry, entry === null ? null : entry - tick);
  const stop = parsePrice(attached.stop);
  check("stopWorst", "belowStop", (price) => stop === null || price <= stop, stop);
  return found;
}

/** What is wrong with the second order of a pair. */
export function otherProblems(attached: Attached, draft: Draft, terms: Terms, now: number): Problem[] {
  return problemsOf(otherOf(attached, draft), terms, now).filter((one) => one.field !== "quantity");
}

interface Exits {
  readonly takeProfit: OrderBody | null;
  readonly stop: OrderBody | null;
}

const grouped = (body: OrderBody, groupId: string | null): OrderBody => (groupId === null ? body : { ...body, groupId });

/** The exits of shares that are there: a limit that rests, and a stop. */
export function heldExits(attached: Attached, outcome: Draft["outcome"], quantity: number): Exits {
  const [takeProfit, stop, worst] = [parsePrice(attached.takeProfit), parsePrice(attached.stop), parsePrice(attached.stopWorst)];
  const shares = { side: "SELL", outcome, quantity: quantityText(quantity) } as const;
  return {
    takeProfit: takeProfit === null ? null : grouped({ ...shares, type: "LIMIT", price: priceText(takeProfit) }, attached.groupId),
    stop: stop === null ? null : grouped({ ...shares, type: "STOP", triggerPrice: priceText(stop), ...(worst !== null && { worstPrice: priceText(worst) }) }, attached.groupId),
  };
}

/** The exits of shares that are still to come: they buy the other outcome, which makes credits of pairs at once. */
export function comingExits(attached: Attached, outcome: Draft["outcome"], quantity: number, tick: number): Exits {
  const turned = (text: string) => {
    const price = parsePrice(text);
    return price === null ? null : PRICE_SCALE - price;
  };
  const [takeProfit, stop] = [turned(attached.takeProfit), turned(attached.stop)];
  const worst = turned(attached.stopWorst) ?? PRICE_SCALE - tick;
  const shares = { side: "BUY", outcome: outcome === "YES" ? "NO" : "YES", quantity: quantityText(quantity), reduceOnly: true, timeInForce: "IOC" } as const;
  return {
    // By the best price: when it is due, somebody is there who pays it.
    takeProfit: takeProfit === null ? null : grouped({ ...shares, type: "TAKE_PROFIT", triggerPrice: priceText(takeProfit), triggerBy: "BEST", worstPrice: priceText(takeProfit) }, attached.groupId),
    stop: stop === null ? null : grouped({ ...shares, type: "STOP", triggerPrice: priceText(stop), worstPrice: priceText(worst) }, attached.groupId),
  };
}

/** What the exits of shares still to come may have to pay for a moment, in units of money. */
export function neededLater(attached: Attached, quantity: number, tick: number): bigint {
  const { takeProfit, stop } = comingExits(attached, "YES", quantity, tick);
  const prices = [takeProfit, stop].map((one) => parsePrice(String(one?.worstPrice ?? "0")) ?? 0);
  return costOf(Math.max(...prices), quantity);
}

/** The ticket's order as it is sent, with its group. */
export function entryOf(draft: Draft, attached: Attached): OrderBody {
  return grouped(bodyOf(draft), attached.groupId);
}

/** Both orders of a pair. */
export function pairOf(draft: Draft, attached: Attached): readonly [OrderBody, OrderBody] {
  return [entryOf(draft, attached), grouped(bodyOf(otherOf(attached, draft)), attached.groupId)];
}

/** What is looked at beside the ticket's order: whether the exchange would take the rest of it. */
export function looksOf(draft: Draft, attached: Attached, shares: number, tick: number): readonly OrderBody[] {
  if (attached.mode === "other") return [pairOf(draft, attached)[1]];
  if (attached.mode !== "exits" || shares <= 0) return [];
  const { takeProfit, stop } = comingExits(attached, draft.outcome, shares, tick);
  return [takeProfit, stop].filter((one) => one !== null);
}
