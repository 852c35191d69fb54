// The stocks as whoever lists them sees them: what their reserves have against what their shares bring.

import { useSignal } from "@preact/signals";
import { fresh } from "@/account/proofs/fresh";
import { rest } from "@/api/rest";
import type { NewStockBody, StockView } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { everyRow, useLoaded } from "@/parts/loading";
import { Cash, Shares } from "@/portfolio/figures";
import { notify, notifyError } from "@/shell/notices";
import { cashOf, cashText, plainNumber } from "@/units/money";
import { t } from "./texts";
import "./house.css";

const EVERY_MS = 5_000;
const PAGE = 200;
const FIELDS = ["symbol", "name", "basePrice", "slope", "interestRate", "maintenanceMargin"];

/** What of a stock's worth its reserve hasn't in cash: so much at least is lent. */
export function lentOf(worth: string, cash: string): string {
  const missing = cashOf(worth) - cashOf(cash);
  return cashText(missing > 0n ? missing : 0n);
}

export function StocksPart() {
  const stocks = useLoaded((signal) => everyRow((cursor) => rest.call("get", "/economy/stocks", { query: { limit: PAGE, cursor }, signal })), [], EVERY_MS);
  const accounts = useLoaded((signal) => rest.call("get", "/admin/accounts", { signal }), [], EVERY_MS);
  if (stocks.data === null) return stocks.error === null ? <Waiting /> : <Failed error={stocks.error} reload={stocks.reload} />;
  const cashes = new Map((accounts.data?.data ?? []).map((one) => [one.id, one.account?.balance.available ?? null]));
  const cashIn = (stock: StockView) => cashes.get(stock.reserveId) ?? null;
  const turn = async (stock: StockView) => {
    const halted = stock.status === "OPEN";
    if (halted && !(await isSure({ title: t("halt"), text: t("haltWhy", { symbol: stock.symbol }), action: t("halt"), isDangerous: true }))) return;
    try {
      await fresh(() => rest.call("patch", "/admin/stocks/{symbol}", { path: { symbol: stock.symbol }, body: { halted } }));
      notify("good", t(halted ? "isHalted" : "isOpen"));
    } catch (error) {
      notifyError(error);
    }
    stocks.reload();
  };
  return (
    <div class="stack house">
      <Panel title={t("stocks")} isPlain>
        <DataTable
          caption={t("stocks")}
          rows={stocks.data}
          empty={t("noStocks")}
          keyOf={(stock) => stock.symbol}
          columns={[
            { title: t("symbol"), cell: (stock) => <><a href={`/stocks/${stock.symbol}`}><strong>{stock.symbol}</strong></a> <span class="quiet">{stock.name}</span> {stock.status === "HALTED" && <span class="badge warn">{t("HALTED")}</span>}</> },
            { title: t("price"), cell: (stock) => <Cash of={stock.price} isExact />, isNumber: true },
            { title: t("supply"), cell: (stock) => <Shares of={stock.supply} />, isNumber: true },
            { title: t("worth"), cell: (stock) => <Cash of={stock.value} />, isNumber: true },
            { title: t("reserveCash"), cell: (stock) => <Cash of={cashIn(stock)} />, isNumber: true },
            { title: t("lent"), cell: (stock) => <Cash of={cashIn(stock) === null ? null : lentOf(stock.value, cashIn(stock) ?? "0")} />, isNumber: true, isExtra: true },
            { title: "", cell: (stock) => <button class={stock.status === "OPEN" ? "button small danger" : "button small"} aria-label={`${t(stock.status === "OPEN" ? "halt" : "open")} ${stock.symbol}`} onClick={() => void turn(stock)}>{t(stock.status === "OPEN" ? "halt" : "open")}</button> },
          ]}
        />
      </Panel>
      <NewStock onDone={() => { stocks.reload(); accounts.reload(); }} />
    </div>
  );
}

function NewStock({ onDone }: { onDone: () => void }) {
  const [symbol, name, basePrice, slope, interestRate, maintenanceMargin] = [useSignal(""), useSignal(""), useSignal(""), useSignal(""), useSignal(""), useSignal("")];
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    const body: NewStockBody = {
      symbol: symbol.value.trim().toUpperCase(),
      name: name.value.trim(),
      basePrice: plainNumber(basePrice.value),
      slope: plainNumber(slope.value),
      ...(interestRate.value.trim() === "" ? {} : { interestRate: plainNumber(interestRate.value) }),
      ...(maintenanceMargin.value.trim() === "" ? {} : { maintenanceMargin: plainNumber(maintenanceMargin.value) }),
    };
    if (!(await isSure({ title: t("sureList", { symbol: body.symbol }), text: t("sureListWhy"), action: t("listIt") }))) return;
    await fresh(() => rest.call("post", "/admin/stocks", { body }));
    notify("good", t("isListed", { symbol: body.symbol }));
    for (const field of [symbol, name, basePrice, slope, interestRate, maintenanceMargin]) field.value = "";
    onDone();
  };
  return (
    <Panel title={t("newStock")}>
      <form class="stack" onSubmit={on(send)}>
        <div class="terms">
          <TextField label={t("symbol")} name="symbol" value={symbol} problem={problem.value} isRequired maxLength={10} hint={t("symbolHint")} autocomplete="off" />
          <TextField label={t("name")} name="name" value={name} problem={problem.value} isRequired maxLength={80} autocomplete="off" />
          <TextField label={t("basePrice")} name="basePrice" value={basePrice} problem={problem.value} isRequired inputMode="decimal" placeholder="1" autocomplete="off" />
          <TextField label={t("slope")} name="slope" value={slope} problem={problem.value} isRequired inputMode="decimal" placeholder="0.01" autocomplete="off" />
          <TextField label={t("interestRate")} name="interestRate" value={interestRate} problem={problem.value} inputMode="decimal" placeholder={t("default", { value: "0.001" })} autocomplete="off" />
          <TextField label={t("maintenanceMargin")} name="maintenanceMargin" value={maintenanceMargin} problem={problem.value} inputMode="decimal" placeholder={t("default", { value: "0.1" })} hint={t("marginHint")} autocomplete="off" />
        </div>
        <Problem problem={problem.value} fields={FIELDS} />
        <div class="row"><button class="button primary" disabled={isBusy.value}>{t("listIt")}</button> <span class="quiet small">{t("forEver")}</span></div>
      </form>
    </Panel>
  );
}
