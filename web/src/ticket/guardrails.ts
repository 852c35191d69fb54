// Guardrails of one's own: the largest order, the largest position, the largest loss of a day. They
// are kept in this browser, and warn or block before anything is sent.
//
// Laws: they only ever hold an order back; cancels and what makes a position smaller pass.

import type { OrderView, PositionView } from "@/api/schema";
import { remembered, rememberedNumber } from "@/shell/preferences";
import { costOf, quantityOf } from "@/units/money";

export const MODES = ["off", "warn", "block"] as const;
export const guardMode = remembered("guard.mode", MODES, "off");
/** In whole credits, shares and credits; null: no bound. */
export const largestOrder = rememberedNumber("guard.order", 1, 1e9, null);
export const largestPosition = rememberedNumber("guard.position", 1, 1e9, null);
export const largestLoss = rememberedNumber("guard.loss", 1, 1e9, null);

export interface Bounds {
  readonly order: number | null;
  readonly position: number | null;
  readonly loss: number | null;
}
export interface Measured {
  /** What the order pays at most, in units of money; null: not known yet. */
  readonly pays: bigint | null;
  /** Shares of the outcome held and ordered afterwards, in units of quantity. */
  readonly position: number;
  /** What the day has lost so far, in units of money; 0 or less for a gain. */
  readonly lost: bigint;
  readonly isReducing: boolean;
}
export type Breach = "order" | "position" | "loss" | "unknown";

/** An order, or what a change makes of one. */
export interface Intended {
  readonly marketId: string;
  readonly side: "BUY" | "SELL";
  readonly outcome: "YES" | "NO";
  readonly reduceOnly: boolean;
  /** What it pays at most, in units of money; null: not known yet. */
  readonly pays: bigint | null;
  /** The shares by which it adds to what is held and ordered, in units of quantity. */
  readonly shares: number;
}

/** What an order would come to beside what one holds and has ordered. Shares of the other outcome are netted away. */
export function measured(intended: Intended, held: readonly PositionView[], open: readonly OrderView[], lost: bigint): Measured {
  const { marketId, outcome, side, shares } = intended;
  const has = (of: string, what: "quantity" | "free") => quantityOf(held.find((one) => one.marketId === marketId && one.outcome === of)?.[what]);
  const bids = open.filter((one) => one.marketId === marketId && one.outcome === outcome && one.side === "BUY");
  const ordered = bids.reduce((sum, one) => sum + quantityOf(one.remaining), 0);
  const other = has(outcome === "YES" ? "NO" : "YES", "free");
  const position = has(outcome, "quantity") + ordered + shares - other;
  return { pays: intended.pays, position, lost, isReducing: side === "SELL" || intended.reduceOnly || (other > 0 && position <= 0) };
}

/** What a change makes of an open order; null if it gets smaller, which always passes. `price` is of its outcome. */
export function changed(order: Pick<Intended, "marketId" | "side" | "outcome"> & { readonly price: number; readonly remaining: number }, price: number, remaining: number): Intended | null {
  const { marketId, side, outcome } = order;
  const pays = costOf(price, remaining);
  if (remaining <= order.remaining && pays <= costOf(order.price, order.remaining)) return null;
  return { marketId, side, outcome, reduceOnly: false, pays, shares: remaining - order.remaining };
}

/** Which bounds an order would pass; `unknown` where what it pays has to be known first. */
export function breaches(bounds: Bounds, measured: Measured): Breach[] {
  if (measured.isReducing) return [];
  if (measured.pays === null) return bounds.order === null && bounds.position === null && bounds.loss === null ? [] : ["unknown"];
  const found: Breach[] = [];
  if (bounds.order !== null && measured.pays > BigInt(bounds.order) * 1_000_000n) found.push("order");
  if (bounds.position !== null && measured.position > bounds.position * 100) found.push("position");
  if (bounds.loss !== null && measured.lost > BigInt(bounds.loss) * 1_000_000n) found.push("loss");
  return found;
}
