// The price's past: candles or steps with volume, one's own orders and fills on it, and what a chosen
// size would cost now. Its twin is a table.

import type { signal} from "@preact/signals";
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { rest } from "@/api/rest";
import { newestFirst, type Moment } from "@/book/tape";
import { oncePerFrame } from "@/feed/frames";
import type { MarketFeed } from "@/feed/marketFeed";
import { palette, remembered, shownTheme } from "@/shell/preferences";
import { formatQuantity } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { clock, dayOfYear, moment } from "@/units/time";
import { INTERVALS, candlesOf, withPrint, type Candle, type Interval } from "./candles";
import "./charts.css";
import { drawCandles, drawMarks, drawVolume, type Colours, type Marks } from "./drawing";
import { t } from "./texts";

const NAMES = Object.keys(INTERVALS) as Interval[];
const FORMS = ["candles", "steps"] as const;
const interval = remembered("chart.interval", NAMES, "1m");
const form = remembered("chart.form", FORMS, "candles");
const TABLE_ROWS = 50;
/** Where uPlot puts an axis. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its names exist for the type checker alone
const RIGHT: uPlot.Axis.Side = 1;

export interface PriceChartProps {
  readonly market: string;
  readonly feed: MarketFeed;
  readonly tick: number;
  readonly marks: ReadonlySignal<Marks>;
}

export function PriceChart({ market, feed, tick, marks }: PriceChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const candles = useSignal<readonly Candle[] | null>(null);
  const hasFailed = useSignal(false);
  const isTable = useSignal(false);
  useEffect(() => readCandles(market, feed, interval.value, candles, hasFailed), [market, feed, interval.value]);
  useEffect(() => {
    if (place.current === null || isTable.value) return undefined;
    return drawn(place.current, candles, marks, tick);
  }, [interval.value, form.value, shownTheme.value, palette.value, isTable.value, tick, candles.value === null]);
  const all = candles.value ?? [];
  return (
    <section class="panel chart price-chart" aria-label={t("price")}>
      <header>
        <div class="segments" role="group" aria-label={t("interval")}>
          {NAMES.map((name) => <button key={name} aria-pressed={interval.value === name} onClick={() => (interval.value = name)}>{name}</button>)}
        </div>
        <div class="row">
          <div class="segments" role="group" aria-label={t("form")}>
            {FORMS.map((name) => <button key={name} aria-pressed={form.value === name} onClick={() => (form.value = name)}>{t(name)}</button>)}
          </div>
          <button class="button bare small" aria-pressed={isTable.value} onClick={() => (isTable.value = !isTable.value)}>{t(isTable.value ? "asChart" : "asTable")}</button>
        </div>
      </header>
      {isTable.value ? <CandleTable candles={all} tick={tick} /> : <div ref={place} class="canvas" role="img" aria-label={words(all, tick)} />}
      {candles.value?.length === 0 && <p class="empty over">{t("none")}</p>}
      {hasFailed.value && <p class="empty over">{t("failed")}</p>}
    </section>
  );
}

function words(candles: readonly Candle[], tick: number): string {
  const first = candles[0];
  const last = candles.at(-1);
  if (first === undefined || last === undefined) return t("none");
  const of = (price: number) => shownPrice(price, tick);
  const low = Math.min(...candles.map((candle) => candle.low));
  const high = Math.max(...candles.map((candle) => candle.high));
  return t("chartWords", { interval: interval.value, first: of(first.open), last: of(last.close), low: of(low), high: of(high) });
}

function CandleTable({ candles, tick }: { candles: readonly Candle[]; tick: number }) {
  const heads = ["time", "open", "high", "low", "close", "volume"] as const;
  return (
    <div class="scroll canvas" tabIndex={0}>
      <table class="table">
        <thead><tr>{heads.map((head) => <th key={head} class={head === "time" ? "" : "num"}>{t(head)}</th>)}</tr></thead>
        <tbody>
          {candles.slice(-TABLE_ROWS).reverse().map((candle) => (
            <tr key={candle.time}>
              <td>{moment(candle.time * 1_000)}</td>
              {[candle.open, candle.high, candle.low, candle.close].map((price, index) => <td key={index} class="num">{shownPrice(price, tick)}</td>)}
              <td class="num">{formatQuantity(candle.volume)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Read the past and keep its end up to date by the tape; returns how to stop. */
export function readCandles(market: string, feed: MarketFeed, by: Interval, candles: ReturnType<typeof signal<readonly Candle[] | null>>, hasFailed: ReturnType<typeof signal<boolean>>): () => void {
  let isOver = false;
  let newest: Moment | null = null;
  candles.value = null;
  hasFailed.value = false;
  const read = () =>
    void rest.call("get", "/markets/{slug}/candles", { path: { slug: market }, query: { interval: by, fill: true } }).then(
      (answer) => {
        if (isOver) return;
        candles.value = candlesOf(answer.data);
        // Of a tape that isn't read yet only what is traded from now on isn't in the candles.
        newest = feed.tape.prints[0] ?? { at: Date.now(), tradeNo: null };
      },
      () => {
        if (!isOver && candles.peek() === null) hasFailed.value = true;
      },
    );
  // At the start, and when trades come that are older than the newest: they belong into candles that are drawn.
  const stopMissed = feed.missed.subscribe(read);
  const stop = feed.onTape(() => {
    const before = newest;
    if (before === null) return;
    const fresh = feed.tape.prints.filter((print) => newestFirst(print, before) < 0).reverse();
    newest = fresh.at(-1) ?? before;
    if (fresh.length === 0) return;
    candles.value = fresh.reduce((all, print) => withPrint(all, print, by), candles.peek() ?? []);
  });
  return () => {
    isOver = true;
    stop();
    stopMissed();
  };
}

function coloursOf(element: Element): Colours & { grid: string } {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return { up: of("up"), down: of("down"), accent: of("accent"), quiet: of("quiet"), grid: of("chart-grid") };
}

/** Draw into a place until it is told to stop. */
function drawn(place: HTMLElement, candles: ReadonlySignal<readonly Candle[] | null>, marks: ReadonlySignal<Marks>, tick: number): () => void {
  let chart: uPlot | null = null;
  let isOver = false;
  const colours = coloursOf(place);
  const data = (): uPlot.AlignedData => {
    const all = candles.peek() ?? [];
    return [all.map((one) => one.time), all.map((one) => one.close), all.map((one) => one.high), all.map((one) => one.low)];
  };
  const refresh = oncePerFrame(() => chart?.setData(data()));
  const redraw = oncePerFrame(() => chart?.redraw(false));
  void import("uplot").then(({ default: Plot }) => {
    if (isOver) return;
    chart = new Plot(optionsOf(Plot, place, candles, marks, colours, tick), data(), place);
  });
  const stops = [candles.subscribe(refresh), marks.subscribe(redraw)];
  const sized = new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: place.clientHeight }));
  sized.observe(place);
  return () => {
    isOver = true;
    for (const stop of stops) stop();
    refresh.stop();
    redraw.stop();
    sized.disconnect();
    chart?.destroy();
  };
}

function optionsOf(Plot: typeof uPlot, place: HTMLElement, candles: ReadonlySignal<readonly Candle[] | null>, marks: ReadonlySignal<Marks>, colours: Colours & { grid: string }, tick: number): uPlot.Options {
  const isSteps = form.peek() === "steps";
  const font = `11px ${getComputedStyle(place).fontFamily}`;
  const axis = { stroke: colours.quiet, grid: { stroke: colours.grid, width: 1 }, ticks: { show: false }, font };
  const stepped = Plot.paths.stepped?.({ align: 1 });
  const hidden = () => null;
  const line: uPlot.Series = { stroke: isSteps ? colours.accent : "transparent", width: 1.5, points: { show: false }, paths: isSteps && stepped !== undefined ? stepped : hidden };
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    legend: { show: false },
    cursor: { points: { show: false }, y: true, drag: { x: true, y: false } },
    padding: [8, 8, 0, 8],
    scales: { x: { time: true, range: (_, low, high) => timesOf(candles.peek() ?? [], low, high) }, y: { range: (_, low, high) => rangeOf(low, high, tick) } },
    axes: [
      { ...axis, size: 26, incrs: STEPS, values: (_, times, __, ___, step) => times.map((time) => (step >= 86_400 ? dayOfYear(time * 1_000) : clock(time * 1_000).slice(0, 5))) },
      { ...axis, side: RIGHT, size: 48, values: (_, prices) => prices.map((price) => (Number.isInteger(price) ? shownPrice(price, tick) : "")), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000].filter((step) => step >= tick) },
    ],
    series: [{}, line, { paths: hidden, points: { show: false } }, { paths: hidden, points: { show: false } }],
    hooks: {
      drawAxes: [(chart) => drawVolume(chart, candles.peek() ?? [], colours)],
      draw: [
        (chart) => {
          if (!isSteps) drawCandles(chart, candles.peek() ?? [], colours);
          drawMarks(chart, marks.peek(), colours);
        },
      ],
    },
  };
}

const EMPTY_SECONDS = 3_600;
const FEWEST_CANDLES = 20;
/** How far apart times may be written, in seconds: never two in one minute. */
const STEPS = [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800, 2_592_000];

/** The times to show: half a candle more on both sides, the last hour where there is none. */
function timesOf(candles: readonly Candle[], low: number, high: number): [number, number] {
  const now = Date.now() / 1_000;
  if (candles.length === 0) return [now - EMPTY_SECONDS, now];
  const room = INTERVALS[interval.peek()];
  // Of a single time uPlot makes a range of years.
  const last = candles.length === 1 ? (candles[0]?.time ?? now) : high;
  return [Math.min(low, last - FEWEST_CANDLES * room) - room, last + room];
}

/** A range around what is seen that leaves room and isn't thinner than a few ticks. */
function rangeOf(low: number | null, high: number | null, tick: number): [number, number] {
  if (low === null || high === null) return [0, 10_000];
  const room = Math.max(tick * 2, (high - low) * 0.12);
  return [Math.max(0, low - room * 1.6), Math.min(10_000, high + room)];
}
