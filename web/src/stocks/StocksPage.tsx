// Stocks: all of them, one of them, what one holds and what one did, each at an address of its own.

import type { StockView } from "@/api/schema";
import { Spark } from "@/markets/Spark";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { SignedIn, Tabs } from "@/parts/Tabs";
import type { PageProps } from "@/shell/routes";
import { Cash, Shares } from "@/portfolio/figures";
import { cashOf } from "@/units/money";
import { Moved, StockPrice } from "./figures";
import { Holdings } from "./Holdings";
import { useStocks } from "./loading";
import { pointsOf } from "./points";
import { StockPart } from "./StockPart";
import { t } from "./texts";
import { Trades } from "./Trades";
import "@/parts/parts.css";
import "./stocks.css";

/** Symbols are of capital letters, so no part is one. */
const OWN = { holdings: Holdings, trades: Trades };

export default function StocksPage({ params }: PageProps) {
  const named = params["part"];
  if (named !== undefined && !(named in OWN)) return <div class="page stocks"><StockPart key={named} symbol={named} /></div>;
  const Own = named === undefined ? null : OWN[named as keyof typeof OWN];
  return (
    <div class="page stocks">
      <h1>{t("stocks")}</h1>
      <Tabs label={t("stocks")} parts={[{ href: "/stocks", text: t("all") }, { href: "/stocks/holdings", text: t("holdings") }, { href: "/stocks/trades", text: t("trades") }]} />
      {Own === null ? <All /> : <SignedIn><Own /></SignedIn>}
    </div>
  );
}

function All() {
  const stocks = useStocks();
  if (stocks.data === null) return stocks.error === null ? <Waiting /> : <Failed error={stocks.error} reload={stocks.reload} />;
  return (
    <div class="stack all-stocks">
      <p class="quiet">{t("intro")}</p>
      <Panel title={t("all")} isPlain>
        <DataTable
          caption={t("all")}
          rows={stocks.data}
          empty={t("none")}
          keyOf={(stock) => stock.symbol}
          columns={[
            { title: t("stock"), cell: (stock) => <Named stock={stock} /> },
            { title: t("lastDay"), cell: (stock) => <Spark prices={pointsOf({ stock, own: [], seen: [] }).map((point) => Number(cashOf(point.price)))} /> },
            { title: t("price"), cell: (stock) => <strong><StockPrice of={stock.price} /></strong>, isNumber: true },
            { title: t("change"), cell: (stock) => <Moved stock={stock} />, isNumber: true },
            { title: t("supply"), cell: (stock) => <Shares of={stock.supply} />, isNumber: true, isExtra: true },
            { title: t("value"), cell: (stock) => <Cash of={stock.value} />, isNumber: true },
          ]}
        />
      </Panel>
    </div>
  );
}

function Named({ stock }: { stock: StockView }) {
  return (
    <a class="named" href={`/stocks/${stock.symbol}`} data-stock={stock.symbol}>
      <strong>{stock.symbol}</strong> <span class="quiet">{stock.name}</span>
      {stock.status === "HALTED" && <> <span class="badge warn">{t("HALTED")}</span></>}
    </a>
  );
}
