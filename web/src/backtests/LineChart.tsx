// A line or two over time, with fills on it where there are any. Its twin is a table.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { drawMarks, type Marks } from "@/charts/drawing";
import "@/charts/charts.css";
import { palette, shownTheme } from "@/shell/preferences";
import { clock, dayOfYear } from "@/units/time";
import { spanText } from "./figures";
import { t } from "./texts";

export interface Series {
  /** Whose line it is, where there are two. */
  readonly name?: string;
  readonly values: readonly (number | null)[];
  readonly tone: "accent" | "down" | "warn" | "quiet";
}

interface Props {
  readonly title: string;
  /** What is drawn, in words. */
  readonly words: string;
  /** Seconds: since 1970 or, `isSpan`, since the beginning. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly write: (value: number) => string;
  readonly fills?: Marks["fills"];
  readonly isSpan?: boolean;
  /** Whether a value holds until the next one. */
  readonly isStepped?: boolean;
  readonly actions?: ComponentChildren;
}

/** How many rows the table has at most: of more points so many are taken evenly. */
const ROWS_MOST = 200;
const DAY_S = 86_400;
const ROOM = 0.08;
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its names exist for the type checker alone
const RIGHT: uPlot.Axis.Side = 1;

export function LineChart(props: Props) {
  const { title, words, times, series, write, isSpan = false, actions } = props;
  const place = useRef<HTMLDivElement>(null);
  const isTable = useSignal(false);
  const pointed = useSignal<number | null>(null);
  const isEmpty = times.length < 2;
  useEffect(() => {
    if (place.current === null || isTable.value || isEmpty) return undefined;
    return drawn(place.current, props, (index) => (pointed.value = index));
  }, [shownTheme.value, palette.value, isTable.value, isEmpty, times, series]);
  const at = pointed.value === null ? undefined : times[pointed.value];
  const said = at === undefined ? null : `${timeText(at, isSpan, true)} · ${series.map((one) => valueText(one.values[pointed.value ?? 0], write)).join(" · ")}`;
  return (
    <section class="panel chart run-chart" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <div class="row">
          <span class="quiet small" data-pointed>{said ?? <Legend series={series} />}</span>
          {actions}
          <button class="button bare small" aria-pressed={isTable.value} onClick={() => (isTable.value = !isTable.value)}>{t(isTable.value ? "asChart" : "asTable")}</button>
        </div>
      </header>
      {isEmpty ? <p class="empty">{t("noLine")}</p> : isTable.value ? <Points {...props} /> : <div ref={place} class="canvas" role="img" aria-label={words} />}
    </section>
  );
}

function Legend({ series }: { series: readonly Series[] }) {
  if (series.length < 2) return null;
  return <>{series.map((one, index) => <span key={index} class="legend"><span class={`stroke of-${one.tone}`} aria-hidden="true" />{one.name}</span>)}</>;
}

function valueText(value: number | null | undefined, write: (value: number) => string): string {
  return value === null || value === undefined ? "–" : write(value);
}

function timeText(time: number, isSpan: boolean, isWhole: boolean): string {
  if (isSpan) return `+${spanText(time)}`;
  return isWhole ? `${dayOfYear(time * 1_000)}, ${clock(time * 1_000)}` : clock(time * 1_000).slice(0, 5);
}

function Points({ title, times, series, write, isSpan = false }: Props) {
  const step = Math.max(1, Math.ceil(times.length / ROWS_MOST));
  const shown = times.map((_, index) => index).filter((index) => index % step === 0 || index === times.length - 1);
  return (
    <div class="scroll canvas" tabIndex={0} role="region" aria-label={`${title}: ${t("asTable")}`}>
      <table class="table">
        <thead><tr><th scope="col">{t("time")}</th>{series.map((one, index) => <th key={index} scope="col" class="num">{one.name ?? title}</th>)}</tr></thead>
        <tbody>
          {shown.map((index) => (
            <tr key={index}>
              <td>{timeText(times[index] ?? 0, isSpan, true)}</td>
              {series.map((one, place) => <td key={place} class="num">{valueText(one.values[index], write)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Draw into a place until it is told to stop. */
function drawn(place: HTMLElement, props: Props, point: (index: number | null) => void): () => void {
  let chart: uPlot | null = null;
  let isOver = false;
  void import("uplot").then(({ default: Plot }) => {
    if (!isOver) chart = new Plot(optionsOf(Plot, place, props, point), [[...props.times], ...props.series.map((one) => [...one.values])], place);
  });
  const sized = new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: place.clientHeight }));
  sized.observe(place);
  return () => {
    isOver = true;
    point(null);
    sized.disconnect();
    chart?.destroy();
  };
}

function optionsOf(Plot: typeof uPlot, place: HTMLElement, { series, write, fills = [], isSpan = false, isStepped = false }: Props, point: (index: number | null) => void): uPlot.Options {
  const style = getComputedStyle(place);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const colours = { up: of("up"), down: of("down"), accent: of("accent"), quiet: of("quiet") };
  const axis = { stroke: colours.quiet, grid: { stroke: of("chart-grid"), width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
  const stepped = isStepped ? Plot.paths.stepped?.({ align: 1 }) : undefined;
  const marks: Marks = { orders: [], fills, band: null };
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    padding: [12, 8, 0, 18],
    scales: { x: { time: !isSpan }, y: { range: (_, low, high) => rangeOf(low, high) } },
    axes: [
      { ...axis, size: 26, space: 72, values: (_, times, __, ___, step) => times.map((time) => (isSpan || step < DAY_S ? timeText(time, isSpan, false) : dayOfYear(time * 1_000))) },
      { ...axis, side: RIGHT, size: 68, values: (_, values) => values.map(write) },
    ],
    series: [
      {},
      ...series.map((one) => ({ stroke: of(one.tone), width: 2, points: { show: false }, ...(series.length === 1 && fills.length === 0 ? { fill: of(`${one.tone}-soft`) } : {}), ...(stepped === undefined ? {} : { paths: stepped }) })),
    ],
    hooks: {
      draw: [(chart) => drawMarks(chart, marks, colours)],
      setCursor: [(chart) => point(chart.cursor.idx ?? null)],
    },
  };
}

/** Some room around what is seen. */
function rangeOf(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const room = (high - low) * ROOM || Math.max(Math.abs(high) * 0.01, 0.01);
  return [low - room, high + room];
}
