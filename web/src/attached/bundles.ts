// Which open orders are shown as one thing: an entry with its exits, a pair of which one cancels the other.
//
// Laws: pure; each order is in one bundle; the order of the first of each stays.

import type { OrderView } from "@/api/schema";
import type { Bracket } from "./brackets";

export interface Bundle {
  readonly kind: "single" | "pair" | "bracket";
  readonly orders: readonly OrderView[];
  readonly bracket: Bracket | null;
}

/** Put open orders together; `bracketOf` has the bracket of each order that is part of one. */
export function bundlesOf(orders: readonly OrderView[], bracketOf: ReadonlyMap<string, Bracket>): Bundle[] {
  const open = new Map(orders.map((order) => [order.id, order]));
  const done = new Set<string>();
  const made: Bundle[] = [];
  for (const order of orders) {
    if (done.has(order.id)) continue;
    const bracket = bracketOf.get(order.id) ?? null;
    const partner = order.ocoOrderId === null ? undefined : open.get(order.ocoOrderId);
    const ids = bracket !== null ? [bracket.entry, ...bracket.legs.map((leg) => leg.id)] : partner === undefined ? [order.id] : [order.id, partner.id].sort((a, b) => Number(a) - Number(b));
    const members = ids.map((id) => open.get(id)).filter((one) => one !== undefined);
    for (const one of members) done.add(one.id);
    made.push({ kind: bracket !== null ? "bracket" : partner === undefined ? "single" : "pair", orders: members, bracket });
  }
  return made;
}
