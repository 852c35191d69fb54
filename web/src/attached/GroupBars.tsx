// The order groups that one's open orders count in, and those that came to a limit: their state, and
// cancelling or resetting each as one.

import { rest } from "@/api/rest";
import type { OrderGroupView, OrderView } from "@/api/schema";
import { notify, notifyError } from "@/shell/notices";
import { formatQuantity, parseQuantity, quantityOf } from "@/units/money";
import { useGroups } from "./groups";
import { t } from "./texts";

export default function GroupBars({ orders }: { orders: readonly OrderView[] }) {
  const { groups, reload } = useGroups();
  const named = new Set(orders.map((order) => order.groupId));
  const shown = groups.filter((group) => named.has(group.groupId) || group.status === "TRIGGERED");
  if (shown.length === 0) return null;
  return <div class="group-bars">{shown.map((group) => <GroupBar key={group.groupId} group={group} reload={reload} />)}</div>;
}

function GroupBar({ group, reload }: { group: OrderGroupView; reload: () => void }) {
  const name = group.groupId;
  const cancel = () =>
    rest.call("delete", "/orders", { query: { groupId: name } }).then(({ data }) => notify("plain", t("groupCancelled", { count: data.cancelled, name })), notifyError);
  const reset = () =>
    rest.call("post", "/order-groups/{id}/reset", { path: { id: name } }).then(() => {
      notify("plain", t("groupReset", { name }));
      reload();
    }, notifyError);
  const isTriggered = group.status === "TRIGGERED";
  const net = parseQuantity(group.net) ?? 0;
  return (
    <div class="group-bar" data-group={name} data-state={group.status}>
      <strong>{t("groupLine", { name })}</strong>
      {isTriggered && <span class="warned">{t("groupTriggered")}</span>}
      <span>{t("groupFilled", { filled: formatQuantity(quantityOf(group.filled)), most: formatQuantity(quantityOf(group.maxFilled)), seconds: group.windowSeconds })}</span>
      {group.maxNet !== null && <span>{t("groupNet", { net: `${net > 0 ? "+" : ""}${formatQuantity(net)}`, most: formatQuantity(quantityOf(group.maxNet)) })}</span>}
      <span>{t("groupOpen", { count: group.openOrders })}</span>
      <span class="apart">
        {isTriggered && <button class="button bare small" onClick={() => void reset()}>{t("resetGroup")}</button>}
        {group.openOrders > 0 && <button class="button bare small danger" onClick={() => void cancel()}>{t("cancelGroup")}</button>}
      </span>
    </div>
  );
}
