// What became of orders and money, newest first, each list also as a file made of the same rows.

import { rest } from "@/api/rest";
import type { LedgerView, OrderView, OwnFillView, SettlementView } from "@/api/schema";
import { ListTable, Panel, type Column } from "@/parts/DataTable";
import { csvOf, saveFile } from "@/parts/csv";
import { everyRow, ROWS_MOST, useListed, type PageOf } from "@/parts/loading";
import { t as parts } from "@/parts/texts";
import { notifyError } from "@/shell/notices";
import { moment } from "@/units/time";
import { Cash, Gain, MarketLink, Price, Shares, Word } from "./figures";
import { t } from "./texts";

const PAGE = 50;
const FILE_PAGE = 200;

interface PartProps<T extends object> {
  readonly title: string;
  readonly file: string;
  readonly load: (cursor: string | undefined, limit: number, signal?: AbortSignal) => Promise<PageOf<T>>;
  readonly columns: readonly Column<T>[];
  readonly names: readonly (keyof T & string)[];
  readonly keyOf: (row: T) => string;
  /** Read anew when one of them changes. */
  readonly keys?: readonly unknown[];
}

export function HistoryPart<T extends object>({ title, file, load, columns, names, keyOf, keys = [] }: PartProps<T>) {
  const list = useListed((cursor, signal) => load(cursor, PAGE, signal), keys);
  const save = async () => {
    try {
      const rows = await everyRow((cursor) => load(cursor, FILE_PAGE));
      saveFile(`probity-${file}.csv`, csvOf(rows, names));
    } catch (error) {
      notifyError(error);
    }
  };
  return (
    <Panel
      title={title}
      isPlain
      actions={<button class="button small" title={t("csvWhole", { count: ROWS_MOST })} aria-label={`${parts("csvOf")}: ${title}`} onClick={() => void save()}>{parts("csv")}</button>}
    >
      <ListTable caption={title} list={list} columns={columns} keyOf={keyOf} empty={t("noRows")} />
    </Panel>
  );
}

export function Orders() {
  return (
    <HistoryPart<OrderView>
      title={t("orders")}
      file="orders"
      load={(cursor, limit, signal) => rest.call("get", "/orders", { query: { cursor, limit }, ...(signal && { signal }) })}
      keyOf={(order) => order.id}
      names={["id", "clientOrderId", "marketId", "slug", "side", "outcome", "type", "timeInForce", "price", "quantity", "filled", "averagePrice", "fees", "status", "cancelReason", "createdAt", "updatedAt", "seq"]}
      columns={[
        { title: t("time"), cell: (order) => moment(order.createdAt) },
        { title: t("market"), cell: (order) => <MarketLink slug={order.slug} /> },
        { title: t("side"), cell: (order) => <><Word of={order.side} /> {order.outcome}</> },
        { title: t("type"), cell: (order) => `${order.type} ${order.timeInForce}`, isExtra: true },
        { title: t("price"), cell: (order) => <Price of={order.price} />, isNumber: true },
        { title: t("filled"), cell: (order) => <><Shares of={order.filled} />{order.quantity !== null && <> / <Shares of={order.quantity} /></>}</>, isNumber: true },
        { title: t("average"), cell: (order) => <Price of={order.averagePrice} />, isNumber: true, isExtra: true },
        { title: t("fees"), cell: (order) => <Cash of={order.fees} isExact />, isNumber: true, isExtra: true },
        { title: t("status"), cell: (order) => <span class="badge">{order.status}</span> },
        { title: t("reason"), cell: (order) => order.cancelReason ?? "–", isExtra: true },
      ]}
    />
  );
}

export function Fills() {
  return (
    <HistoryPart<OwnFillView>
      title={t("fills")}
      file="trades"
      load={(cursor, limit, signal) => rest.call("get", "/user/fills", { query: { cursor, limit }, ...(signal && { signal }) })}
      keyOf={(fill) => fill.id}
      names={["id", "tradeId", "orderId", "clientOrderId", "marketId", "slug", "side", "outcome", "price", "quantity", "fee", "role", "kind", "createdAt", "seq"]}
      columns={[
        { title: t("time"), cell: (fill) => moment(fill.createdAt) },
        { title: t("market"), cell: (fill) => <MarketLink slug={fill.slug} /> },
        { title: t("side"), cell: (fill) => <><Word of={fill.side} /> {fill.outcome}</> },
        { title: t("price"), cell: (fill) => <Price of={fill.price} />, isNumber: true },
        { title: t("quantity"), cell: (fill) => <Shares of={fill.quantity} />, isNumber: true },
        { title: t("fee"), cell: (fill) => <Cash of={fill.fee} isExact />, isNumber: true },
        { title: t("role"), cell: (fill) => t(fill.role), isExtra: true },
      ]}
    />
  );
}

export function Settlements() {
  return (
    <HistoryPart<SettlementView>
      title={t("settlements")}
      file="settlements"
      load={(cursor, limit, signal) => rest.call("get", "/user/settlements", { query: { cursor, limit }, ...(signal && { signal }) })}
      keyOf={(settlement) => settlement.id}
      names={["id", "marketId", "slug", "resolution", "yesPayout", "yesQuantity", "noQuantity", "payout", "realisedProfit", "createdAt", "seq"]}
      columns={[
        { title: t("time"), cell: (settlement) => moment(settlement.createdAt) },
        { title: t("market"), cell: (settlement) => <MarketLink slug={settlement.slug} /> },
        { title: t("resolution"), cell: (settlement) => <Word of={settlement.resolution} /> },
        { title: t("perYes"), cell: (settlement) => <Price of={settlement.yesPayout} />, isNumber: true, isExtra: true },
        { title: `${t("held")} YES`, cell: (settlement) => <Shares of={settlement.yesQuantity} />, isNumber: true },
        { title: `${t("held")} NO`, cell: (settlement) => <Shares of={settlement.noQuantity} />, isNumber: true },
        { title: t("payout"), cell: (settlement) => <strong><Cash of={settlement.payout} /></strong>, isNumber: true },
        { title: t("profit"), cell: (settlement) => <Gain of={settlement.realisedProfit} />, isNumber: true },
      ]}
    />
  );
}

export function Ledger() {
  return (
    <HistoryPart<LedgerView>
      title={t("ledger")}
      file="ledger"
      load={(cursor, limit, signal) => rest.call("get", "/user/ledger", { query: { cursor, limit }, ...(signal && { signal }) })}
      keyOf={(row) => row.id}
      names={["id", "seq", "kind", "available", "locked", "availableAfter", "lockedAfter", "marketId", "slug", "orderId", "tradeId", "reason", "createdAt"]}
      columns={[
        { title: t("time"), cell: (row) => moment(row.createdAt) },
        { title: t("kind"), cell: (row) => row.kind },
        { title: t("market"), cell: (row) => (row.slug === null ? "–" : <MarketLink slug={row.slug} />) },
        { title: t("change"), cell: (row) => <Gain of={row.available} />, isNumber: true },
        { title: t("changeLocked"), cell: (row) => <Gain of={row.locked} />, isNumber: true },
        { title: t("balance"), cell: (row) => <Cash of={row.availableAfter} isExact />, isNumber: true },
        { title: t("balanceLocked"), cell: (row) => <Cash of={row.lockedAfter} isExact />, isNumber: true },
        { title: t("note"), cell: (row) => row.reason ?? "", isExtra: true },
      ]}
    />
  );
}
