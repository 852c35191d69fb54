// Holding an order against one's guardrails as they and the account are now.
//
// Laws: whatever places or changes an order asks here first; cancels don't.

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

/** Whether an objection lets an order through when it is made the second time. */
export function mayInsist(): boolean {
  return guardMode.peek() === "warn";
}
