// What came of a run: its worth and its falls as lines, its trades on the price, its figures, its fills.

import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { useMemo } from "preact/hooks";
import type { BacktestDetail, BacktestResultView, ExecutionView } from "@/api/schema";
import { csvOf, saveFile } from "@/parts/csv";
import { DataTable, Panel } from "@/parts/DataTable";
import { Cash, MarketLink, Price, Shares, Word } from "@/portfolio/figures";
import { cashOf, formatCash, formatGain, priceOf } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { exact, moment } from "@/units/time";
import { equityOf, fallsOf } from "./curves";
import { Figures } from "./FigureList";
import { figureText, percent } from "./figures";
import { LineChart } from "./LineChart";
import { t } from "./texts";

const PAGE = 100;
const FIRST = 20;
const FILLS_MOST = 5_000;
const COLUMNS = ["at", "market", "order", "side", "price", "quantity", "fee", "maker"] as const;

export function Result({ run, result }: { run: BacktestDetail; result: BacktestResultView }) {
  const fills = run.executions ?? [];
  return (
    <div class="stack" data-result>
      {result.stopped !== null && <p class="note">{t("stoppedWhy", { reason: result.stopped })}</p>}
      <Worth result={result} />
      {result.prices.length > 0 && <Trades result={result} fills={fills} />}
      <Figures of={result.figures} />
      <div class="columns">
        <Outcomes result={result} />
        <Run result={result} />
      </div>
      <Fills run={run} fills={fills} />
    </div>
  );
}

function Worth({ result }: { result: BacktestResultView }) {
  const equity = useMemo(() => equityOf(result.curve), [result]);
  const falls = useMemo(() => fallsOf(equity.values), [equity]);
  const { figures } = result;
  const words = t("equityWords", { start: formatCash(cashOf(figures.start)), end: formatCash(cashOf(figures.end)), net: formatGain(cashOf(figures.net)) });
  const deepest = figureText({ name: "drawdown", kind: "percent", better: null }, figures);
  const worth = useMemo(() => [{ values: equity.values, tone: "accent" as const }], [equity]);
  const fallen = useMemo(() => [{ values: falls, tone: "down" as const }], [falls]);
  return (
    <>
      <LineChart title={t("equity")} words={words} times={equity.times} series={worth} write={(value) => formatCash(BigInt(Math.round(value * 1_000_000)))} isStepped />
      <div class="falls"><LineChart title={t("drawdown")} words={t("fallWords", { deepest })} times={equity.times} series={fallen} write={(value) => percent(value, false)} isStepped /></div>
    </>
  );
}

function Trades({ result, fills }: { result: BacktestResultView; fills: readonly ExecutionView[] }) {
  const chosen = useSignal(result.prices[0]?.market ?? "");
  const course = result.prices.find((one) => one.market === chosen.value) ?? result.prices[0];
  const { times, series, marks } = useMemo(() => {
    const points = course?.points ?? [];
    const here = fills.filter((one) => one.market === course?.market);
    const seconds = (time: string) => Date.parse(time) / 1_000;
    return {
      times: points.map((point) => seconds(point.at)),
      series: [{ values: points.map((point) => priceOf(point.price)), tone: "quiet" as const }],
      marks: here.map((one) => ({ time: seconds(one.at), price: priceOf(one.price) ?? 0, isUp: one.side === "BUY" })),
    };
  }, [course, fills]);
  if (course === undefined) return null;
  const pick =
    result.prices.length < 2 ? null : (
      <select class="input short" aria-label={t("market")} value={course.market} onChange={(event) => (chosen.value = event.currentTarget.value)}>
        {result.prices.map((one) => <option key={one.market} value={one.market}>{one.market}</option>)}
      </select>
    );
  const words = t("tradeWords", { market: course.market, bought: marks.filter((one) => one.isUp).length, sold: marks.filter((one) => !one.isUp).length });
  return <LineChart title={t("trades")} words={words} times={times} series={series} fills={marks} write={(value) => shownPrice(Math.round(value))} actions={pick} isStepped />;
}

function Outcomes({ result }: { result: BacktestResultView }) {
  return (
    <Panel title={t("outcomes")} isPlain>
      <DataTable
        caption={t("outcomes")}
        rows={result.outcomes.slice(0, PAGE).map((one, place) => ({ ...one, place }))}
        keyOf={(one) => String(one.place)}
        empty={t("noOutcomes")}
        columns={[
          { title: t("market"), cell: (one) => one.market },
          { title: t("shares"), cell: (one) => <Shares of={one.quantity} />, isNumber: true },
          { title: t("cost"), cell: (one) => <Price of={one.cost} />, isNumber: true },
          { title: t("paid"), cell: (one) => <Price of={one.paid} />, isNumber: true },
        ]}
      />
    </Panel>
  );
}

function Run({ result }: { result: BacktestResultView }) {
  const refused = Object.entries(result.refused as Readonly<Record<string, number>>);
  return (
    <Panel title={t("run")}>
      <dl class="facts">
        {result.begunAt !== null && <><dt>{t("from")}</dt><dd>{moment(result.begunAt)}</dd></>}
        {result.endedAt !== null && <><dt>{t("to")}</dt><dd>{moment(result.endedAt)}</dd></>}
        <dt>{t("events")}</dt><dd>{result.events}</dd>
        <dt>{t("sent")}</dt><dd>{result.sent}</dd>
        <dt>{t("commands")}</dt><dd>{result.commands}</dd>
        {refused.map(([reason, count]) => <Fragment key={reason}><dt>{t("refused", { reason })}</dt><dd>{count}</dd></Fragment>)}
      </dl>
      <p class="quiet small">{t("provedWhy")}</p>
    </Panel>
  );
}

function Fills({ run, fills }: { run: BacktestDetail; fills: readonly ExecutionView[] }) {
  const shown = useSignal(FIRST);
  const rows = fills.slice(0, shown.value).map((one, place) => ({ ...one, place }));
  const save = fills.length === 0 ? undefined : <button class="button small" aria-label={t("csvOf")} onClick={() => saveFile(`backtest-${run.id}-fills.csv`, csvOf(fills, COLUMNS))}>CSV</button>;
  return (
    <div class="fills"><Panel title={t("fillsOf", { count: fills.length })} isPlain actions={save}>
      {fills.length >= FILLS_MOST && <p class="note cut">{t("fillsMost", { most: FILLS_MOST })}</p>}
      <DataTable
        caption={t("fillsOf", { count: fills.length })}
        rows={rows}
        keyOf={(one) => String(one.place)}
        empty={t("noFills")}
        columns={[
          { title: t("time"), cell: (one) => exact(one.at) },
          { title: t("market"), cell: (one) => (run.tape === null ? <MarketLink slug={one.market} /> : one.market), isExtra: true },
          { title: t("side"), cell: (one) => <Word of={one.side} /> },
          { title: t("price"), cell: (one) => <Price of={one.price} />, isNumber: true },
          { title: t("shares"), cell: (one) => <Shares of={one.quantity} />, isNumber: true },
          { title: t("fee"), cell: (one) => <Cash of={one.fee} isExact />, isNumber: true },
          { title: t("as"), cell: (one) => t(one.maker ? "maker" : "taker") },
          { title: t("order"), cell: (one) => one.order, isNumber: true, isExtra: true },
        ]}
      />
      {shown.value < fills.length && <p class="more"><button class="button" onClick={() => (shown.value += PAGE)}>{t("more")}</button></p>}
    </Panel></div>
  );
}
