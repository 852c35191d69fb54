// How the house stands: its cash, what it has at stake and where, its profit; and the exchange's other own accounts.

import { Credits } from "@/admin/UserPart";
import { rest } from "@/api/rest";
import type { MirrorView, StockView, SystemAccountView } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { everyRow, useLoaded } from "@/parts/loading";
import { Cash, Gain } from "@/portfolio/figures";
import { cashOf } from "@/units/money";
import { t } from "./texts";
import { profitOf, Stake, StatusBadge } from "./words";
import "./house.css";

const EVERY_MS = 3_000;
const SLOWLY_MS = 10_000;
const PAGE = 200;
const SHOWN = 20;

/** The mirrors in which most is at stake, the largest first. */
export function largest(mirrors: readonly MirrorView[]): readonly MirrorView[] {
  const stakes = mirrors.map((one) => ({ one, stake: cashOf(one.atStake) })).filter(({ stake }) => stake > 0n);
  return stakes.sort((a, b) => (a.stake < b.stake ? 1 : a.stake > b.stake ? -1 : 0)).slice(0, SHOWN).map(({ one }) => one);
}

/** The name of an account as people say it: "reserve:1" is that of the stock whose reserve it is. */
export function nameOf(account: SystemAccountView, stocks: readonly StockView[]): string {
  if (account.name === "house") return t("house_");
  const stock = stocks.find((one) => one.reserveId === account.id);
  return stock === undefined ? account.name : t("reserve", { symbol: stock.symbol });
}

export function HousePart() {
  const house = useLoaded((signal) => rest.call("get", "/admin/house", { signal }), [], EVERY_MS);
  const mirrors = useLoaded((signal) => everyRow((cursor) => rest.call("get", "/admin/mirrors", { query: { status: "OPEN,ENDED", limit: PAGE, cursor }, signal })), [], SLOWLY_MS);
  const accounts = useLoaded((signal) => rest.call("get", "/admin/accounts", { signal }), [], SLOWLY_MS);
  const stocks = useLoaded((signal) => everyRow((cursor) => rest.call("get", "/economy/stocks", { query: { limit: PAGE, cursor }, signal })), []);
  if (house.data === null) return house.error === null ? <Waiting /> : <Failed error={house.error} reload={house.reload} />;
  const now = house.data.data;
  const reload = () => {
    house.reload();
    accounts.reload();
  };
  return (
    <div class="stack house">
      {now.disputed > 0 && <p class="note" role="alert"><a href="/admin/mirrors?status=DISPUTED">{t("disputedMany", { count: now.disputed })}</a></p>}
      <dl class="figures" data-house>
        <div><dt>{t("inAll")}</dt><dd data-figure="profit"><Gain of={profitOf(now)} /></dd></div>
        <div><dt>{t("realised")}</dt><dd><Gain of={now.realisedProfit} /></dd></div>
        <div><dt>{t("unrealised")}</dt><dd><Gain of={now.unrealisedProfit} /></dd></div>
        <div><dt>{t("stake")}</dt><dd data-figure="stake" class="apart"><Stake stake={now.atStake} most={now.exposure} /></dd></div>
        <div><dt>{t("available")}</dt><dd data-figure="available"><Cash of={now.available} /></dd></div>
        <div><dt>{t("locked")}</dt><dd><Cash of={now.locked} /></dd></div>
        <div><dt>{t("orders")}</dt><dd>{now.orders}<small>{t("quoted", { count: now.quoted })}</small></dd></div>
        <div><dt>{t("standing")}</dt><dd><a href="/admin/mirrors?status=OPEN">{now.mirrors}</a></dd></div>
      </dl>
      <Panel title={t("where")} isPlain>
        {mirrors.data === null ? mirrors.error === null ? <Waiting /> : <Failed error={mirrors.error} reload={mirrors.reload} /> : (
          <DataTable
            caption={t("where")}
            rows={largest(mirrors.data)}
            empty={t("nothingAtStake")}
            keyOf={(one) => one.id}
            columns={[
              { title: t("mirror"), cell: (one) => <a href={`/admin/mirrors/${one.id}`}>{one.question}</a> },
              { title: t("status"), cell: (one) => <StatusBadge mirror={one} /> },
              { title: t("stake"), cell: (one) => <Stake stake={one.atStake} most={one.exposure} />, isNumber: true },
              { title: t("realised"), cell: (one) => <Gain of={one.realisedProfit} />, isNumber: true, isExtra: true },
              { title: t("unrealised"), cell: (one) => <Gain of={one.unrealisedProfit} />, isNumber: true, isExtra: true },
              { title: t("profit"), cell: (one) => <Gain of={profitOf(one)} />, isNumber: true },
            ]}
          />
        )}
      </Panel>
      <div class="columns">
        <Panel title={t("accounts")} isPlain>
          {accounts.data === null ? accounts.error === null ? <Waiting /> : <Failed error={accounts.error} reload={accounts.reload} /> : <Accounts rows={accounts.data.data} stocks={stocks.data ?? []} />}
        </Panel>
        <Credits id={now.accountId} title={t("fund")} reload={reload} />
      </div>
    </div>
  );
}

function Accounts({ rows, stocks }: { rows: readonly SystemAccountView[]; stocks: readonly StockView[] }) {
  return (
    <DataTable
      caption={t("accounts")}
      rows={rows}
      keyOf={(one) => one.id}
      columns={[
        { title: t("name"), cell: (one) => <strong>{nameOf(one, stocks)}</strong> },
        { title: t("account"), cell: (one) => <span class="mono nowrap">{one.id}</span> },
        { title: t("available"), cell: (one) => (one.account === null ? t("notOpen") : <Cash of={one.account.balance.available} />), isNumber: true },
        { title: t("locked"), cell: (one) => <Cash of={one.account?.balance.locked ?? null} />, isNumber: true },
        { title: t("orders"), cell: (one) => one.account?.openOrders ?? "–", isNumber: true, isExtra: true },
        { title: t("positions"), cell: (one) => one.account?.positions ?? "–", isNumber: true, isExtra: true },
        { title: t("howStands"), cell: (one) => (one.account === null ? "–" : <span class={one.account.standing === "ACTIVE" ? "badge" : "badge warn"}>{one.account.standing}</span>), isExtra: true },
      ]}
    />
  );
}
