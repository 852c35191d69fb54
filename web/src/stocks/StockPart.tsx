// One stock: its price and its past, buying and selling, what one has of it, and what one did.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { StockPositionView, StockView } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { isSignedIn } from "@/session/session";
import { useTitle } from "@/shell/title";
import { Cash, Gain, Shares } from "@/portfolio/figures";
import { cashOf, formatCash, formatChance, parsePrice, quantityOf } from "@/units/money";
import { day } from "@/units/time";
import { heldOf, lineOf, liquidationOf } from "./curve";
import { Moved, StockPrice } from "./figures";
import { SoldBelow } from "./Holdings";
import { useCashMoved, usePositions, useStocks } from "./loading";
import { MarginWords } from "./MarginWords";
import { seenOf, type Mark, type Point } from "./points";
import { StockChart } from "./StockChart";
import { StockTicket } from "./StockTicket";
import { t } from "./texts";
import { Trades } from "./Trades";
import "@/ticket/ticket.css";

const MARKS = 100;

export function StockPart({ symbol }: { symbol: string }) {
  const stocks = useStocks();
  const positions = usePositions();
  const turn = useSignal(0);
  const known = useRef<readonly Point[]>([]);
  const position = positions.data?.find((one) => one.symbol === symbol) ?? null;
  // What one has tells of what happened, where nobody pressed anything: somebody else's sale, interest.
  const changed = `${turn.value} ${position?.shares ?? ""} ${position?.loan ?? ""}`;
  const own = useLoaded(async (signal) => (isSignedIn.peek() ? (await rest.call("get", "/economy/transactions", { query: { symbol, limit: MARKS }, signal })).data : []), [symbol, isSignedIn.value, changed]);
  useCashMoved(() => (turn.value += 1));
  const named = stocks.data?.find((one) => one.symbol === symbol)?.name;
  useTitle(named === undefined ? null : `${symbol} ${named}`);
  if (stocks.data === null) return stocks.error === null ? <Waiting /> : <Failed error={stocks.error} reload={stocks.reload} />;
  const stock = stocks.data.find((one) => one.symbol === symbol);
  if (stock === undefined) return <p class="empty">{t("noStock")} <a href="/stocks">{t("backToAll")}</a></p>;
  const seen = seenOf(known.current, stock);
  known.current = seen;
  const reload = () => {
    stocks.reload();
    positions.reload();
    turn.value += 1;
  };
  const marks: Mark[] = (own.data ?? []).filter((one) => one.type !== "INTEREST").map((one) => ({ time: one.createdAt, price: one.price, isBuy: one.type === "BUY" }));
  return (
    <>
      <Head stock={stock} />
      <div class="stock-desk">
        <div class="stack main">
          <StockChart stock={stock} liquidation={liquidationOf(lineOf(stock), heldOf(position))} own={marks} seen={seen} />
          {position !== null && quantityOf(position.shares) > 0 && <Own position={position} stock={stock} />}
        </div>
        <StockTicket stock={stock} position={position} onDone={reload} />
        <div class="stack rest">
          {isSignedIn.value && <Trades symbol={symbol} turn={changed} />}
          <div class="columns"><Terms stock={stock} /><MarginWords /></div>
        </div>
      </div>
    </>
  );
}

function Head({ stock }: { stock: StockView }) {
  return (
    <header class="stock-head">
      <p><a href="/stocks">← {t("backToAll")}</a></p>
      <h1>{stock.symbol} <span class="quiet">{stock.name}</span></h1>
      {stock.status === "HALTED" && <span class="badge warn">{t("HALTED")}</span>}
      <p class="now"><strong data-price><StockPrice of={stock.price} /></strong> <Moved stock={stock} /></p>
    </header>
  );
}

function Own({ position, stock }: { position: StockPositionView; stock: StockView }) {
  return (
    <dl class="figures" aria-label={t("yours")} data-own>
      <div><dt>{t("youHold")}</dt><dd data-figure="shares"><Shares of={position.shares} /><small>{t("average2", { price: formatCash(cashOf(position.averagePrice), true) })}</small></dd></div>
      <div><dt>{t("worth")}</dt><dd><Cash of={position.value} /><small>{t("paid")} <Cash of={position.cost} /></small></dd></div>
      <div><dt>{t("loan")}</dt><dd data-figure="loan"><Cash of={position.loan} /></dd></div>
      <div><dt>{t("equity")}</dt><dd data-figure="equity"><Cash of={position.equity} /></dd></div>
      <div><dt>{t("unrealised")}</dt><dd><Gain of={position.unrealizedPnl} /></dd></div>
      <div><dt>{t("liquidates")}</dt><dd data-figure="liquidation"><SoldBelow position={position} stock={stock} /></dd></div>
    </dl>
  );
}

function Terms({ stock }: { stock: StockView }) {
  const rate = (text: string) => formatChance(parsePrice(text) ?? 0);
  return (
    <Panel title={t("terms")}>
      <p>{t("intro")}</p>
      <dl class="facts">
        <dt>{t("base")}</dt><dd><StockPrice of={stock.basePrice} /></dd>
        <dt>{t("slope")}</dt><dd>+<StockPrice of={stock.slope} /></dd>
        <dt>{t("supply")}</dt><dd><Shares of={stock.supply} /></dd>
        <dt>{t("value")}</dt><dd><Cash of={stock.value} /></dd>
        <dt>{t("interest")}</dt><dd>{rate(stock.interestRate)}</dd>
        <dt>{t("margin")}</dt><dd>{rate(stock.maintenanceMargin)}</dd>
        <dt>{t("listed")}</dt><dd>{day(stock.createdAt)}</dd>
      </dl>
    </Panel>
  );
}
