// Two runs beside each other: what was asked differently, their lines from the beginning on, and each figure of both.

import { useMemo } from "preact/hooks";
import { rest } from "@/api/rest";
import type { BacktestDetail, BacktestResultView } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { query } from "@/shell/router";
import { moment } from "@/units/time";
import { besideEachOther, equityOf, type Drawn } from "./curves";
import { FiguresBeside } from "./FigureList";
import { LineChart } from "./LineChart";
import { t } from "./texts";
import { parameterText, parameterTitle, strategyTitle, tapeText } from "./words";

type Done = BacktestDetail & { readonly result: BacktestResultView };

export function Compare() {
  const [first, second] = [query.value.get("first") ?? "", query.value.get("second") ?? ""];
  const read = (id: string, signal: AbortSignal) => rest.call("get", "/backtests/{id}", { path: { id }, signal });
  const found = useLoaded(async (signal) => {
    const [a, b] = await Promise.all([read(first, signal), read(second, signal)]);
    return [a.data, b.data] as const;
  }, [first, second]);
  const back = <p><a href="/backtests">← {t("backToAll")}</a></p>;
  if (found.data === null) return <>{back}{found.error === null ? <Waiting /> : <Failed error={found.error} reload={found.reload} />}</>;
  const [a, b] = found.data;
  return (
    <>
      {back}
      <h1>{t("twoBeside")}</h1>
      {a.result === null || b.result === null ? <p class="empty">{t("notDone")}</p> : <Beside runs={[a as Done, b as Done]} />}
    </>
  );
}

/** What all was worth, as gains: runs may begin with different cash. */
function gainOf(result: BacktestResultView): Drawn {
  const { times, values } = equityOf(result.curve);
  const first = values[0] ?? 0;
  return { times, values: values.map((value) => (first === 0 ? 0 : (value - first) / first)) };
}

function Beside({ runs }: { runs: readonly [Done, Done] }) {
  const [a, b] = runs;
  const lines = useMemo(() => besideEachOther(gainOf(a.result), gainOf(b.result)), [a, b]);
  const names: readonly [string, string] = [nameOf(a), nameOf(b)];
  const series = useMemo(() => [{ name: nameOf(a), values: lines.first, tone: "accent" as const }, { name: nameOf(b), values: lines.second, tone: "warn" as const }], [lines]);
  return (
    <div class="stack">
      <LineChart title={t("gainSince")} words={t("besideWords", { first: names[0], second: names[1] })} times={lines.times} series={series} write={(value) => `${(value * 100).toFixed(2).replace("-", "\u2212")}\u202f%`} isSpan isStepped />
      <div class="columns">
        <Panel title={t("figures")} isPlain><FiguresBeside names={names} of={[a.result.figures, b.result.figures]} /></Panel>
        <Panel title={t("askedBeside")} isPlain><AskedBeside runs={runs} names={names} /></Panel>
      </div>
    </div>
  );
}

function nameOf(run: BacktestDetail): string {
  return `${strategyTitle(run.strategy)} #${run.id}`;
}

function AskedBeside({ runs, names }: { runs: readonly [Done, Done]; names: readonly [string, string] }) {
  const all: (readonly [string, (run: Done) => string])[] = [
    [t("on"), tapeText],
    [t("model"), (run) => t(run.model === "book" ? "modelBook" : "modelTrades")],
    ...parametersOf(runs).map(([title, name]) => [title, (run: Done) => parameterText(run, name)] as const),
    [t("from"), (run) => (run.from === null ? "–" : moment(run.from))],
    [t("to"), (run) => (run.to === null ? "–" : moment(run.to))],
    [t("cash"), (run) => run.cash.replace(/\.?0+$/, "")],
    [t("feesAre"), (run) => t(run.fees === "NONE" ? "feesNone" : "feesMarket")],
    [t("latency"), (run) => `${run.latencyMs} ms`],
    [t("seed"), (run) => String(run.seed)],
  ];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("askedBeside")}>
      <table class="table beside">
        <thead><tr><th scope="col">{t("setting")}</th>{runs.map((run, index) => <th key={run.id} scope="col" class="num"><a href={`/backtests/${run.id}`}>{names[index]}</a></th>)}</tr></thead>
        <tbody>
          {all.map(([title, write]) => {
            const [one, other] = [write(runs[0]), write(runs[1])];
            return (
              <tr key={title} class={one === other ? "same" : "other"}>
                <th scope="row">{title}{one !== other && <span class="visually-hidden"> {t("differs")}</span>}</th>
                <td class="num">{one}</td>
                <td class="num">{other}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** (title, name) of the parameters of both, each once. */
function parametersOf(runs: readonly [Done, Done]): (readonly [string, string])[] {
  const found = new Map<string, string>();
  for (const run of runs) for (const name of Object.keys(run.parameters)) if (!found.has(name)) found.set(name, parameterTitle(run, name));
  return [...found].map(([name, title]) => [title, name] as const);
}
