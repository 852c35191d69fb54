// The price of the last day, or of longer, with one's own trades and the line below which what one holds is sold. Its twin is a table.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { rest } from "@/api/rest";
import type { StockView } from "@/api/schema";
import { drawMarks, type Marks } from "@/charts/drawing";
import "@/charts/charts.css";
import { useLoaded } from "@/parts/loading";
import { palette, remembered, shownTheme } from "@/shell/preferences";
import { cashOf, formatCash } from "@/units/money";
import { clock, dayOfYear, moment } from "@/units/time";
import { StockPrice } from "./figures";
import { PERIODS, pointsOf, withNow, type Mark, type Point } from "./points";
import { t } from "./texts";

interface Props {
  readonly stock: StockView;
  /** Below which one's own shares are sold. */
  readonly liquidation: bigint | null;
  readonly own: readonly Mark[];
  /** Prices that were seen since the page was opened. */
  readonly seen: readonly Point[];
}

/** What is drawn: pixels need no exactness, so here alone amounts become floating. */
interface Drawn {
  readonly times: number[];
  readonly prices: number[];
  readonly marks: Marks;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its names exist for the type checker alone
const RIGHT: uPlot.Axis.Side = 1;
/** Beside the last moment, so that what happened just now is seen whole. */
const ROOM = 0.02;
const EVERY_MS = 60_000;
const DAY_S = 86_400;
const MINUTE_S = 60;
const period = remembered("stocks.period", PERIODS, "day");
const seconds = (time: string) => Date.parse(time) / 1_000;
const size = (price: string) => Number(cashOf(price));

function drawnOf(points: readonly Point[], { liquidation, own }: Props): Drawn {
  const times = points.map((point) => seconds(point.time));
  const first = times[0] ?? Infinity;
  return {
    times,
    prices: points.map((point) => size(point.price)),
    marks: {
      orders: liquidation === null ? [] : [{ price: Number(liquidation), isBid: false }],
      fills: own.map((one) => ({ time: seconds(one.time), price: size(one.price), isUp: one.isBuy })).filter((one) => one.time >= first),
      band: null,
    },
  };
}

export function StockChart(props: Props) {
  const { stock, liquidation } = props;
  const place = useRef<HTMLDivElement>(null);
  const isTable = useSignal(false);
  const pointed = useSignal<number | null>(null);
  const span = period.value;
  const past = useLoaded(async (signal) => (span === "day" ? null : (await rest.call("get", "/economy/stocks/{symbol}/prices", { path: { symbol: stock.symbol }, query: { period: span }, signal })).data.prices), [stock.symbol, span], EVERY_MS);
  const points = span === "day" ? pointsOf(props) : withNow(past.data ?? [], props);
  const latest = useRef<Drawn>(drawnOf(points, props));
  const refresh = useRef<() => void>(() => undefined);
  latest.current = drawnOf(points, props);
  const isEmpty = points.length < 2;
  useEffect(() => {
    if (place.current === null || isTable.value || isEmpty) return undefined;
    return drawn(place.current, () => latest.current, (index) => (pointed.value = index), refresh);
  }, [shownTheme.value, palette.value, isTable.value, isEmpty]);
  useEffect(() => refresh.current(), [stock.history, liquidation, props.own, past.data]);
  const at = pointed.value === null ? undefined : points[pointed.value];
  return (
    <section class="panel chart stock-chart" aria-label={t("price")}>
      <header>
        <div class="segments" role="group" aria-label={t("period")}>
          {PERIODS.map((one) => <button key={one} aria-pressed={span === one} onClick={() => (period.value = one)}>{t(one === "all" ? "ever" : one)}</button>)}
        </div>
        <div class="row">
          <span class="quiet small" data-pointed>
            {at !== undefined ? <>{span === "day" ? clock(at.time).slice(0, 5) : moment(at.time)} · <StockPrice of={at.price} /></> : liquidation !== null ? <><span class="dash" aria-hidden="true" /> {t("yourLiquidation", { price: formatCash(liquidation, true) })}</> : null}
          </span>
          <button class="button bare small" aria-pressed={isTable.value} onClick={() => (isTable.value = !isTable.value)}>{t(isTable.value ? "asChart" : "asTable")}</button>
        </div>
      </header>
      {isTable.value ? <Points points={points} /> : isEmpty ? <p class="empty">{past.error?.message ?? t(past.isFirst ? "reading" : "noPast")}</p> : <div ref={place} class="canvas" role="img" aria-label={words(stock.symbol, points)} />}
    </section>
  );
}

function words(symbol: string, points: readonly Point[]): string {
  const prices = points.map((point) => cashOf(point.price));
  const shown = (price: bigint | undefined) => formatCash(price ?? 0n, true);
  const least = prices.reduce((a, b) => (b < a ? b : a), prices[0] ?? 0n);
  const most = prices.reduce((a, b) => (b > a ? b : a), 0n);
  return t("chartWords", { symbol, period: t(`${period.value}Words`), first: shown(prices[0]), last: shown(prices.at(-1)), low: shown(least), high: shown(most) });
}

function Points({ points }: { points: readonly Point[] }) {
  return (
    <div class="scroll canvas" tabIndex={0}>
      <table class="table">
        <thead><tr><th>{t("time")}</th><th class="num">{t("price")}</th></tr></thead>
        <tbody>{[...points].reverse().map((point) => <tr key={point.time}><td>{moment(point.time)}</td><td class="num"><StockPrice of={point.price} /></td></tr>)}</tbody>
      </table>
    </div>
  );
}

/** Draw into a place until it is told to stop; `refresh` is told how to draw anew. */
function drawn(place: HTMLElement, latest: () => Drawn, point: (index: number | null) => void, refresh: { current: () => void }): () => void {
  let chart: uPlot | null = null;
  let isOver = false;
  const data = (): uPlot.AlignedData => [latest().times, latest().prices];
  void import("uplot").then(({ default: Plot }) => {
    if (isOver) return;
    chart = new Plot(optionsOf(Plot, place, latest, point), data(), place);
    refresh.current = () => chart?.setData(data());
  });
  const sized = new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: place.clientHeight }));
  sized.observe(place);
  return () => {
    isOver = true;
    refresh.current = () => undefined;
    point(null);
    sized.disconnect();
    chart?.destroy();
  };
}

function optionsOf(Plot: typeof uPlot, place: HTMLElement, latest: () => Drawn, point: (index: number | null) => void): uPlot.Options {
  const style = getComputedStyle(place);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const colours = { up: of("up"), down: of("down"), accent: of("accent"), quiet: of("quiet") };
  const axis = { stroke: colours.quiet, grid: { stroke: of("chart-grid"), width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
  // A price holds until somebody trades.
  const stepped = Plot.paths.stepped?.({ align: 1 });
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    padding: [12, 8, 0, 12],
    scales: { x: { time: true, range: (_, first, last) => [first, last + (last - first) * ROOM] }, y: { range: (_, low, high) => rangeOf(low, high, latest().marks.orders[0]?.price) } },
    axes: [
      { ...axis, size: 26, space: 64, values: (_, times, __, ___, step) => times.map((time) => (step >= DAY_S ? dayOfYear(time * 1_000) : step < MINUTE_S ? clock(time * 1_000) : clock(time * 1_000).slice(0, 5))) },
      { ...axis, side: RIGHT, size: 60, values: (_, prices) => prices.map((price) => formatCash(BigInt(Math.round(price)), true)) },
    ],
    series: [{}, { stroke: colours.accent, width: 2, fill: of("accent-soft"), points: { show: false }, ...(stepped === undefined ? {} : { paths: stepped }) }],
    hooks: {
      draw: [(chart) => drawMarks(chart, latest().marks, colours)],
      setCursor: [(chart) => point(chart.cursor.idx ?? null)],
    },
  };
}

/** Some room around what is seen, with the line of one's own loan in it where that isn't far. */
function rangeOf(low: number | null, high: number | null, line: number | undefined): [number, number] {
  if (low === null || high === null) return [0, 1];
  const flat = Math.max(high * 0.02, 1);
  const near = line !== undefined && line > low - 4 * Math.max(high - low, flat) ? Math.min(low, line) : low;
  const room = Math.max((high - near) * 0.15, flat);
  return [Math.max(0, near - room), high + room];
}
