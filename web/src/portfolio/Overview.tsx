// The balance, what is locked and by which order, positions with their profit, orders that wait.

import { rest } from "@/api/rest";
import type { OrderView } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { useLoaded } from "@/parts/loading";
import { notify, notifyError } from "@/shell/notices";
import { moment } from "@/units/time";
import { EquityCurve } from "./EquityCurve";
import { Cash, Gain, MarketLink, Price, Shares, Word } from "./figures";
import { t } from "./texts";

const EVERY_MS = 4_000;
const MOST = 200;

/** That a table doesn't have all: how many it has, and where the rest is if it is anywhere. */
function More({ of, href }: { of: { readonly data: readonly unknown[]; readonly nextCursor: string | null } | null; href?: string }) {
  if (typeof of?.nextCursor !== "string") return null;
  const text = t("firstOnly", { count: of.data.length });
  return <p class="body quiet" role="status">{href === undefined ? text : <a href={href}>{text}</a>}</p>;
}

export function Overview() {
  const sums = useLoaded((signal) => rest.call("get", "/user/portfolio", { signal }), [], EVERY_MS);
  const positions = useLoaded((signal) => rest.call("get", "/user/positions", { query: { limit: MOST }, signal }), [], EVERY_MS);
  const orders = useLoaded((signal) => rest.call("get", "/orders", { query: { status: "OPEN,PARTIAL,PENDING", limit: MOST }, signal }), [], EVERY_MS);
  const escrow = useLoaded((signal) => rest.call("get", "/user/escrow", { query: { limit: MOST }, signal }), [], EVERY_MS);
  const reload = () => {
    for (const one of [sums, positions, orders, escrow]) one.reload();
  };
  const cancel = async (order: OrderView) => {
    try {
      await rest.call("delete", "/orders/{id}", { path: { id: order.id } });
      notify("good", t("cancelledOne"));
    } catch (error) {
      notifyError(error);
    }
    reload();
  };
  const cancelAll = async () => {
    if (!(await isSure({ title: t("cancelAll"), text: t("cancelAllWhy"), action: t("cancelAll"), isDangerous: true }))) return;
    try {
      const answer = await rest.call("delete", "/orders");
      notify("good", t("cancelled", { count: answer.data.cancelled }));
    } catch (error) {
      notifyError(error);
    }
    reload();
  };
  if (sums.isFirst) return <Waiting />;
  if (sums.data === null) return <Failed error={sums.error} reload={reload} />;
  const { balance, ...shown } = sums.data.data;
  return (
    <div class="stack">
      <dl class="figures" aria-label={t("overview")}>
        <div><dt>{t("equity")}</dt><dd><Cash of={shown.equity} /></dd></div>
        <div><dt>{t("available")}</dt><dd data-figure="available"><Cash of={balance.available} /></dd></div>
        <div><dt>{t("locked")}</dt><dd data-figure="locked"><Cash of={balance.locked} /></dd></div>
        <div><dt>{t("positionsValue")}</dt><dd><Cash of={shown.positionsValue} /></dd></div>
        <div><dt>{t("unrealised")}</dt><dd><Gain of={shown.unrealisedProfit} /></dd></div>
        <div><dt>{t("realised")}</dt><dd data-figure="realised"><Gain of={shown.realisedProfit} /></dd></div>
      </dl>
      <Panel title={t("positions")} isPlain>
        <DataTable
          caption={t("positions")}
          rows={positions.data?.data ?? []}
          empty={t("noPositions")}
          keyOf={(position) => `${position.marketId} ${position.outcome}`}
          columns={[
            { title: t("market"), cell: (position) => <MarketLink slug={position.slug} /> },
            { title: t("outcome"), cell: (position) => <Word of={position.outcome} /> },
            { title: t("quantity"), cell: (position) => <Shares of={position.quantity} />, isNumber: true },
            { title: t("free"), cell: (position) => <Shares of={position.free} />, isNumber: true, isExtra: true },
            { title: t("average"), cell: (position) => <Price of={position.averagePrice} />, isNumber: true },
            { title: t("mark"), cell: (position) => <Price of={position.markPrice} />, isNumber: true },
            { title: t("value"), cell: (position) => <Cash of={position.value} />, isNumber: true },
            { title: t("unrealised"), cell: (position) => <Gain of={position.unrealisedProfit} />, isNumber: true },
            { title: t("realised"), cell: (position) => <Gain of={position.realisedProfit} />, isNumber: true, isExtra: true },
          ]}
        />
        <More of={positions.data} />
      </Panel>
      <Panel title={t("openOrders")} isPlain actions={(orders.data?.data.length ?? 0) > 0 && <button class="button small danger" onClick={() => void cancelAll()}>{t("cancelAll")}</button>}>
        <DataTable
          caption={t("openOrders")}
          rows={orders.data?.data ?? []}
          empty={t("noOpenOrders")}
          keyOf={(order) => order.id}
          columns={[
            { title: t("market"), cell: (order) => <MarketLink slug={order.slug} /> },
            { title: t("side"), cell: (order) => <><Word of={order.side} /> {order.outcome}</> },
            { title: t("type"), cell: (order) => `${order.type} ${order.timeInForce}`, isExtra: true },
            { title: t("price"), cell: (order) => <Price of={order.price} />, isNumber: true },
            { title: t("filled"), cell: (order) => <Shares of={order.filled} />, isNumber: true },
            { title: t("rest"), cell: (order) => <Shares of={order.remaining} />, isNumber: true },
            { title: t("placed"), cell: (order) => moment(order.createdAt), isExtra: true },
            { title: "", cell: (order) => <button class="button small danger" aria-label={`${t("cancel")} ${order.side} ${order.outcome} ${order.slug}`} onClick={() => void cancel(order)}>{t("cancel")}</button> },
          ]}
        />
        <More of={orders.data} href="/portfolio/orders" />
      </Panel>
      <div class="columns">
        <Panel title={t("why")} isPlain>
          <p class="body quiet">{t("lockedWhy")}</p>
          <DataTable
            caption={t("why")}
            rows={escrow.data?.data ?? []}
            empty={t("nothingLocked")}
            keyOf={(held) => held.orderId}
            columns={[
              { title: t("market"), cell: (held) => <MarketLink slug={held.slug} /> },
              { title: t("side"), cell: (held) => <><Word of={held.side} /> {held.outcome} <Price of={held.price} /></> },
              { title: t("lockedCredits"), cell: (held) => <Cash of={held.lockedCredits} isExact />, isNumber: true },
              { title: t("lockedShares"), cell: (held) => <Shares of={held.lockedShares} />, isNumber: true },
            ]}
          />
          <More of={escrow.data} />
        </Panel>
        <EquityCurve />
      </div>
    </div>
  );
}
