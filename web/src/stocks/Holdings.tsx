// What one has of all stocks: its worth, what is owed on it, and how far it is from being sold.

import type { StockPositionView, StockView } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { Cash, Gain, Shares } from "@/portfolio/figures";
import { cashOf, cashText, formatCash, quantityOf } from "@/units/money";
import { heldOf, lineOf, liquidationOf, shareOf } from "./curve";
import { percentText, StockPrice } from "./figures";
import { usePositions, useStocks } from "./loading";
import { MarginWords } from "./MarginWords";
import { t } from "./texts";

/** In hundredths of a percent: so near its line a position is warned of. */
const NEAR = 1_000n;
const SUMMED = ["value", "loan", "equity", "unrealizedPnl", "realizedPnl"] as const;
type Sums = Readonly<Record<(typeof SUMMED)[number], string>>;

/** The sums of all positions, exactly. */
export function sumsOf(positions: readonly StockPositionView[]): Sums {
  const sum = (name: (typeof SUMMED)[number]) => cashText(positions.reduce((all, one) => all + cashOf(one[name]), 0n));
  return Object.fromEntries(SUMMED.map((name) => [name, sum(name)])) as Sums;
}

/** How far a price is above the line below which a position is sold, in hundredths of a percent of the price. */
export function roomOf(price: bigint, line: bigint): bigint | null {
  return shareOf(price - line, price);
}

export function SoldBelow({ position, stock }: { position: StockPositionView; stock: StockView | undefined }) {
  const line = stock === undefined ? null : liquidationOf(lineOf(stock), heldOf(position));
  const room = line === null ? null : roomOf(cashOf(position.price), line);
  if (line === null || room === null) return <span class="quiet">{t("never")}</span>;
  return (
    <span class={room < NEAR ? "warned" : ""}>
      {formatCash(line, true)} {room < NEAR && <span class="badge warn">{t("near")}</span>}
      <small class="quiet"> {t("room", { percent: percentText(room).replace("+", "") })}</small>
    </span>
  );
}

export function Holdings() {
  const positions = usePositions();
  const stocks = useStocks();
  if (positions.data === null) return positions.error === null ? <Waiting /> : <Failed error={positions.error} reload={positions.reload} />;
  const all = positions.data;
  const held = all.filter((one) => quantityOf(one.shares) > 0);
  const sold = all.filter((one) => quantityOf(one.shares) === 0);
  if (all.length === 0) return <p class="empty">{t("noHoldings")} <a href="/stocks">{t("toStocks")}</a></p>;
  const sums = sumsOf(all);
  return (
    <div class="stack">
      <dl class="figures" aria-label={t("total")}>
        <div><dt>{t("worth")}</dt><dd><Cash of={sums.value} /></dd></div>
        <div><dt>{t("loan")}</dt><dd data-figure="loan"><Cash of={sums.loan} /></dd></div>
        <div><dt>{t("equity")}</dt><dd data-figure="equity"><Cash of={sums.equity} /></dd></div>
        <div><dt>{t("unrealised")}</dt><dd><Gain of={sums.unrealizedPnl} /></dd></div>
        <div><dt>{t("realised")}</dt><dd><Gain of={sums.realizedPnl} /></dd></div>
      </dl>
      <Panel title={t("holdings")} isPlain>
        <DataTable
          caption={t("holdings")}
          rows={held}
          empty={t("noHoldings")}
          keyOf={(one) => one.symbol}
          columns={[
            { title: t("stock"), cell: (one) => <a class="named" href={`/stocks/${one.symbol}`}><strong>{one.symbol}</strong> <span class="quiet">{one.name}</span></a> },
            { title: t("shares"), cell: (one) => <Shares of={one.shares} />, isNumber: true },
            { title: t("price"), cell: (one) => <StockPrice of={one.price} />, isNumber: true },
            { title: t("worth"), cell: (one) => <Cash of={one.value} />, isNumber: true },
            { title: t("loan"), cell: (one) => <Cash of={one.loan} />, isNumber: true },
            { title: t("equity"), cell: (one) => <strong><Cash of={one.equity} /></strong>, isNumber: true },
            { title: t("unrealised"), cell: (one) => <Gain of={one.unrealizedPnl} />, isNumber: true },
            { title: t("realised"), cell: (one) => <Gain of={one.realizedPnl} />, isNumber: true, isExtra: true },
            { title: t("liquidates"), cell: (one) => <SoldBelow position={one} stock={stocks.data?.find((stock) => stock.symbol === one.symbol)} />, isNumber: true },
          ]}
        />
      </Panel>
      {sold.length > 0 && (
        <Panel title={t("past")} isPlain>
          <DataTable
            caption={t("past")}
            rows={sold}
            keyOf={(one) => one.symbol}
            columns={[
              { title: t("stock"), cell: (one) => <a href={`/stocks/${one.symbol}`}>{one.symbol}</a> },
              { title: t("price"), cell: (one) => <StockPrice of={one.price} />, isNumber: true },
              { title: t("realised"), cell: (one) => <Gain of={one.realizedPnl} />, isNumber: true },
            ]}
          />
        </Panel>
      )}
      {held.some((one) => one.liquidationPrice !== null) && <MarginWords />}
    </div>
  );
}
