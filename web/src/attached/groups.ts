// One's order groups: how far each is from its limits.
//
// Law: they are read anew when one's orders have changed and every few seconds while somebody looks, since
// what was filled stops counting by itself; however fast orders change, only so often, and what was read
// is shown meanwhile.

import { useEffect, useRef } from "preact/hooks";
import { useLoaded } from "@/parts/loading";
import { fills, openOrders } from "@/feed/account";
import { isSignedIn } from "@/session/session";
import { rest } from "@/api/rest";
import type { OrderGroupView } from "@/api/schema";

const EVERY_MS = 5_000;
/** So long orders are let rest before their groups are read. */
const PAUSE_MS = 300;
const NONE = { data: [] as readonly OrderGroupView[] };

export function useGroups(): { readonly groups: readonly OrderGroupView[]; readonly reload: () => void } {
  const orders = openOrders.value.map((order) => `${order.id} ${order.seq}`).join();
  const loaded = useLoaded((signal) => (isSignedIn.peek() ? rest.call("get", "/order-groups", { signal }) : Promise.resolve(NONE)), [isSignedIn.value], EVERY_MS);
  const { reload } = loaded;
  const state = `${orders} ${fills.value[0]?.id ?? ""}`;
  const read = useRef(state);
  useEffect(() => {
    if (read.current === state) return undefined;
    const timer = setTimeout(() => {
      read.current = state;
      reload();
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return { groups: loaded.data?.data ?? [], reload };
}
