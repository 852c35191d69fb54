// Asking for a backtest: which strategy with which parameters, on what, and with what.

import { signal, useSignal, type Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { rest } from "@/api/rest";
import type { NewBacktestBody } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { Check, Choice, Problem, TextField, useSending, type Sending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { Attempts } from "@/session/attempts";
import { navigate, query } from "@/shell/router";
import { typedMoment } from "@/units/time";
import { bodyOf, defaultsOf, isOurs, SAMPLE, SOURCES, writtenOf, type Source, type Written } from "./asked";
import { FindMarket } from "./FindMarket";
import { offered, strategies, strategyOf, type StrategyName } from "./strategies";
import { t } from "./texts";

const runs = new Attempts<NewBacktestBody>("backtest");
const OWN_FIELDS = ["markets", "from", "to", "cash", "latencyMs", "seed"];
const BEGIN: Omit<Written, "strategy" | "values"> = { source: "sample", markets: "", tape: "", printsOnly: false, from: "", to: "", cash: "10000", isFree: false, latency: "50", seed: "0" };

export function NewBacktest() {
  const like = query.value.get("like");
  const market = query.value.get("market");
  const found = useLoaded(async (signal) => (like === null ? null : (await rest.call("get", "/backtests/{id}", { path: { id: like }, signal })).data), [like]);
  if (like !== null && found.data === null) return found.error === null ? <Waiting /> : <Failed error={found.error} reload={found.reload} />;
  const begin: Written =
    found.data !== null
      ? writtenOf(found.data, typedMoment)
      : { ...BEGIN, strategy: "market-maker", values: defaultsOf("market-maker"), ...(market === null ? {} : { source: "markets" as const, markets: market }) };
  return <Form key={`${like ?? ""} ${market ?? ""}`} begin={begin} />;
}

/** Ask for a run under an id of its own, and go to it. */
async function start(body: NewBacktestBody): Promise<void> {
  const { data } = await runs.run(body, (attempt) => rest.call("post", "/backtests", { body: { ...attempt.body, requestId: attempt.id } }));
  navigate(`/backtests/${data.id}`);
}

function Form({ begin }: { begin: Written }) {
  const strategy = useSignal(begin.strategy);
  // Each strategy keeps what was typed for it.
  const values = useMemo(() => new Map<string, Signal<string>>(), []);
  const source = useSignal<Source>(begin.source);
  const [markets, tape] = [useSignal(begin.markets), useSignal(begin.tape)];
  const [from, to] = [useSignal(begin.from), useSignal(begin.to)];
  const [cash, latency, seed] = [useSignal(begin.cash), useSignal(begin.latency), useSignal(begin.seed)];
  const [printsOnly, isFree] = [useSignal(begin.printsOnly), useSignal(begin.isFree)];
  const sending = useSending();
  const problem = sending.problem.value;
  const parameters = strategyOf(strategy.value)?.parameters ?? [];
  const valueOf = (name: string): Signal<string> => {
    const key = `${strategy.value} ${name}`;
    const known = values.get(key);
    if (known !== undefined) return known;
    const first = strategy.peek() === begin.strategy ? begin.values : defaultsOf(strategy.peek());
    const made = signal(first[name] ?? "");
    values.set(key, made);
    return made;
  };
  const send = async () => {
    const written: Written = {
      strategy: strategy.value,
      values: Object.fromEntries(parameters.map((one) => [one.name, valueOf(one.name).value])),
      source: source.value,
      markets: markets.value,
      tape: tape.value,
      printsOnly: printsOnly.value,
      from: from.value,
      to: to.value,
      cash: cash.value,
      isFree: isFree.value,
      latency: latency.value,
      seed: seed.value,
    };
    await start(bodyOf(written));
  };
  if (offered.value?.available === false) return <p class="note" data-off>{t("off")}</p>;
  const open = runs.open;
  // Whatever is asked now, it is the one of before that is asked for.
  if (open !== null && !sending.isBusy.value) return <Lost sending={sending} findOut={() => start(open.body)} leave={() => runs.forget(open)} />;
  const tapes = (offered.value?.tapes ?? []).filter((name) => name !== SAMPLE);
  const isOwn = isOurs({ source: source.value, markets: markets.value });
  return (
    <>
      <p><a href="/backtests">← {t("backToAll")}</a></p>
      <h1>{t("new")}</h1>
      <form class="new-run" onSubmit={sending.on(send)} noValidate>
        <Panel title={t("strategy")}>
          <Choice<StrategyName> label={t("strategy")} name="strategy" value={strategy} choices={strategies.value.map((one) => [one.name, t(one.name)] as const)} />
          <p class="quiet">{t(`${strategy.value}What`)}</p>
          <div class="two" key={strategy.value}>
            {parameters.map((one) => <TextField key={one.name} label={t(`p_${one.name}`)} name={one.name} value={valueOf(one.name)} problem={problem} hint={`${t(`p_${one.name}What`)} ${t(`unit_${one.unit}`)}`} inputMode="decimal" autocomplete="off" isRequired />)}
          </div>
        </Panel>
        <div class="stack">
          <Panel title={t("on")}>
            <Choice label={t("source")} name="source" value={source} choices={SOURCES.filter((one) => one !== "tape" || tapes.length > 0 || source.value === "tape").map((one) => [one, t(`source_${one}`)] as const)} />
            {source.value === "markets" && <FindMarket markets={markets} />}
            {source.value === "markets" && <TextField label={t("markets")} name="markets" value={markets} problem={problem} hint={t("marketsHint")} autocomplete="off" isRequired />}
            {source.value === "tape" && <Choice label={t("tape")} name="tape" value={tape} choices={[...new Set(["", ...tapes, tape.value])].map((name) => [name, name === "" ? t("noTape") : name] as const)} />}
            {source.value === "sample" && <p class="quiet small">{t("sampleWhy")}</p>}
            {source.value === "markets" && <p class="quiet small">{t(isOwn ? "bookWhy" : "tradesWhy")}</p>}
            {source.value === "tape" && <Check label={t("printsOnlyWhy")} value={printsOnly} />}
            <div class="two">
              <TextField label={t("from")} name="from" type="datetime-local" value={from} problem={problem} hint={t("fromHint")} />
              <TextField label={t("to")} name="to" type="datetime-local" value={to} problem={problem} hint={t("toHint")} />
            </div>
          </Panel>
          <Panel title={t("with")}>
            <div class="two">
              <TextField label={t("cash")} name="cash" value={cash} problem={problem} hint={t("cashHint")} inputMode="decimal" autocomplete="off" isRequired />
              <TextField label={t("latency")} name="latencyMs" value={latency} problem={problem} hint={t("latencyHint")} inputMode="numeric" autocomplete="off" isRequired />
              <TextField label={t("seed")} name="seed" value={seed} problem={problem} hint={t("seedHint")} inputMode="numeric" autocomplete="off" isRequired />
            </div>
            {!isOwn && <Check label={t("withoutFees")} value={isFree} />}
          </Panel>
          <Sent sending={sending} fields={[...OWN_FIELDS, ...parameters.map((one) => one.name)]} />
        </div>
      </form>
    </>
  );
}

function Sent({ sending, fields }: { sending: Sending; fields: readonly string[] }) {
  return (
    <div class="stack">
      <Problem problem={sending.problem.value} fields={fields} />
      <div><button class="button primary" data-send disabled={sending.isBusy.value}>{t("start")}</button></div>
      <p class="quiet small">{t("startWhy")}</p>
    </div>
  );
}

function Lost({ sending, findOut, leave }: { sending: Sending; findOut: () => Promise<void>; leave: () => void }) {
  return (
    <div class="note" role="alert" data-lost>
      <form class="stack" onSubmit={sending.on(findOut)}>
        <p>{t("mayRun")}</p>
        <Problem problem={sending.problem.value} fields={[]} />
        <p class="row">
          <button class="button primary">{t("findOut")}</button>
          <button type="button" class="button" onClick={leave}>{t("leaveIt")}</button>
        </p>
      </form>
    </div>
  );
}
