// One's order groups: how far each is from its limits.
//
// Law: they are read anew with each change of one's orders and every few seconds while somebody looks,
// since what was filled stops counting by itself.

import { useLoaded } from "@/parts/loading";
import { fills, openOrders } from "@/feed/account";
import { isSignedIn } from "@/session/session";
import { rest } from "@/api/rest";
import type { OrderGroupView } from "@/api/schema";

const EVERY_MS = 5_000;
const NONE = { data: [] as readonly OrderGroupView[] };

export function useGroups(): { readonly groups: readonly OrderGroupView[]; readonly reload: () => void } {
  const orders = openOrders.value.map((order) => `${order.id} ${order.seq}`).join();
  const loaded = useLoaded((signal) => (isSignedIn.peek() ? rest.call("get", "/order-groups", { signal }) : Promise.resolve(NONE)), [isSignedIn.value, orders, fills.value[0]?.id], EVERY_MS);
  return { groups: loaded.data?.data ?? [], reload: loaded.reload };
}
