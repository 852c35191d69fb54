// Holding an order against one's guardrails as they and the account are now.
//
// Laws: whatever places or changes an order asks here first; cancels don't. A double click is no answer to a warning.

import { openOrders, positions } from "@/feed/account";
import { breaches, guardMode, largestLoss, largestOrder, largestPosition, measured, type Intended } from "./guardrails";
import { lostToday } from "./today";
import { t } from "./texts";

const TEXTS = { order: "guardOrder", position: "guardPosition", loss: "guardLoss", unknown: "guardUnknown" } as const;

/** What holds an order back, as a sentence to show; null if nothing does. `isAsked` says that it may be sent again to do it anyway. */
export function objection(intended: Intended | null, isAsked: boolean): string | null {
  const mode = guardMode.peek();
  if (mode === "off" || intended === null) return null;
  const bounds = { order: largestOrder.peek(), position: largestPosition.peek(), loss: largestLoss.peek() };
  const broken = breaches(bounds, measured(intended, positions.peek(), openOrders.peek(), lostToday.peek()));
  if (broken.length === 0) return null;
  return t(mode === "warn" && isAsked ? "guardWarns" : "guardBlocks", { what: broken.map((one) => t(TEXTS[one])).join(", ") });
}

/** What comes sooner after a question or a warning, as the second half of a double click does, was not meant as its answer. */
export const ANSWERED_AFTER_MS = 350;

/** What was said of an order before it went out, and when (by this machine's clock). */
export interface Warned {
  readonly text: string;
  readonly at: number;
}

export function warnedOf(text: string): Warned {
  return { text, at: Date.now() };
}

/** Whether an objection lets an order through: it was warned of, and long enough ago to have been read. */
export function isInsistedOn(held: string, warned: Warned | null): boolean {
  return guardMode.peek() === "warn" && warned?.text === held && Date.now() - warned.at >= ANSWERED_AFTER_MS;
}
