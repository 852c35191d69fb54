// Guardrails of one's own: the largest order, the largest position, the largest loss of a day. They
// are kept in this browser, and warn or block before anything is sent.
//
// Laws: they only ever hold an order back; cancels and what makes a position smaller pass.

import { remembered, rememberedNumber } from "@/shell/preferences";

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
  /** What the order pays at most, in units of money. */
  readonly pays: bigint;
  /** Shares of the outcome held and ordered afterwards, in units of quantity. */
  readonly position: number;
  /** What the day has lost so far, in units of money; 0 or less for a gain. */
  readonly lost: bigint;
  readonly isReducing: boolean;
}
export type Breach = "order" | "position" | "loss";

/** Which bounds an order would pass. */
export function breaches(bounds: Bounds, measured: Measured): Breach[] {
  if (measured.isReducing) return [];
  const found: Breach[] = [];
  if (bounds.order !== null && measured.pays > BigInt(bounds.order) * 1_000_000n) found.push("order");
  if (bounds.position !== null && measured.position > bounds.position * 100) found.push("position");
  if (bounds.loss !== null && measured.lost > BigInt(bounds.loss) * 1_000_000n) found.push("loss");
  return found;
}
