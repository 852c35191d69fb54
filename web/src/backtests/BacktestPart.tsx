// One run: what was asked, how far it is, and what came of it.

import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { BacktestDetail } from "@/api/schema";
import { useTold } from "@/feed/topics";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { useLoaded } from "@/parts/loading";
import { Cash } from "@/portfolio/figures";
import { notifyError } from "@/shell/notices";
import { navigate } from "@/shell/router";
import { moment } from "@/units/time";
import { Result } from "./Result";
import { t } from "./texts";
import { asTold, isOver, marketName, parameterText, parameterTitle, percentOf, marketTitle, Status, strategyTitle, tapeText } from "./words";

const EVERY_MS = 5_000;

export function BacktestPart({ id }: { id: string }) {
  const read = useRef<BacktestDetail | null>(null);
  const load = async (signal: AbortSignal): Promise<BacktestDetail> => {
    const known = read.current;
    // What has ended stays as it is.
    if (known !== null && isOver(known)) return known;
    return (read.current = (await rest.call("get", "/backtests/{id}", { path: { id }, query: { executions: "true" }, signal })).data);
  };
  const found = useLoaded(load, [id], EVERY_MS);
  const told = useTold("backtest_updated", found.data === null ? [] : [found.data], found.reload, () => false);
  // The message that it has ended is without its result: that is read.
  const isToRead = (told.get(id)?.endedAt ?? null) !== null && found.data !== null && !isOver(found.data);
  useEffect(() => {
    if (isToRead) found.reload();
  }, [isToRead]);
  if (found.data === null) return found.error === null ? <Waiting /> : <Failed error={found.error} reload={found.reload} />;
  const now = asTold(found.data, told.get(id));
  return (
    <>
      <Head run={now} onChanged={found.reload} />
      <div class="stack">
        {!isOver(now) && <Going run={now} />}
        {now.status === "FAILED" && <p class="note" role="alert" data-failed>{t("failedWhy", { reason: now.error ?? "–" })}</p>}
        {now.status === "CANCELLED" && <p class="note">{t("cancelledWhy")}</p>}
        {found.data.result !== null && <Result run={found.data} result={found.data.result} />}
        <Asked run={now} />
      </div>
    </>
  );
}

function Head({ run, onChanged }: { run: BacktestDetail; onChanged: () => void }) {
  const cancel = async () => {
    await rest.call("post", "/backtests/{id}/cancel", { path: { id: run.id } }).catch(notifyError);
    onChanged();
  };
  const remove = async () => {
    if (await removed(run.id)) navigate("/backtests");
  };
  return (
    <header class="run-head">
      <p><a href="/backtests">← {t("backToAll")}</a></p>
      <h1>{strategyTitle(run.strategy)} <span class="quiet">{tapeText(run)}</span></h1>
      <Status of={run} />
      <div class="row actions">
        <a class="button small" href={`/backtests/new?like=${run.id}`}>{t("again")}</a>
        {!isOver(run) && <button class="button small" onClick={() => void cancel()}>{t("cancel")}</button>}
        <button class="button small danger" onClick={() => void remove()}>{t("remove")}</button>
      </div>
    </header>
  );
}

/** Delete a run once somebody has said that it is meant; returns whether it is gone. */
export async function removed(id: string): Promise<boolean> {
  if (!(await isSure({ title: t("removeIt"), text: t("removeItWhy"), action: t("remove"), isDangerous: true }))) return false;
  try {
    await rest.call("delete", "/backtests/{id}", { path: { id } });
    return true;
  } catch (error) {
    notifyError(error);
    return false;
  }
}

function Going({ run }: { run: BacktestDetail }) {
  const isQueued = run.status === "QUEUED";
  return (
    <section class="panel body stack going" aria-label={t("progress")} data-going>
      <p role="status">{t(isQueued ? "queuedWhy" : "runningWhy")}</p>
      {!isQueued && <progress max={100} value={percentOf(run)} aria-label={t("progress")} />}
      {!isQueued && <p class="quiet small">{percentOf(run)}{"\u202f%"} · {t("eventsPlayed", { count: run.events })}</p>}
    </section>
  );
}

function Asked({ run }: { run: BacktestDetail }) {
  return (
    <Panel title={t("asked")}>
      <dl class="facts">
        <dt>{t("on")}</dt>
        <dd>{run.tape === null ? run.played.map((market, index) => <span key={market.id}>{index > 0 && ", "}<a href={`/trade/${encodeURIComponent(marketName(market))}`}>{marketTitle(market)}</a></span>) : tapeText(run)}</dd>
        <dt>{t("model")}</dt><dd>{t(run.model === "book" ? "modelBook" : "modelTrades")}</dd>
        {Object.keys(run.parameters).map((name) => <Fragment key={name}><dt>{parameterTitle(run, name)}</dt><dd>{parameterText(run, name)}</dd></Fragment>)}
        {run.from !== null && <><dt>{t("from")}</dt><dd>{moment(run.from)}</dd></>}
        {run.to !== null && <><dt>{t("to")}</dt><dd>{moment(run.to)}</dd></>}
        <dt>{t("cash")}</dt><dd><Cash of={run.cash} /></dd>
        <dt>{t("feesAre")}</dt><dd>{t(run.fees === "NONE" ? "feesNone" : "feesMarket")}</dd>
        <dt>{t("latency")}</dt><dd>{run.latencyMs} ms</dd>
        <dt>{t("seed")}</dt><dd>{run.seed}</dd>
        {run.printsOnly && <><dt>{t("printsOnly")}</dt><dd>✓</dd></>}
        <dt>{t("askedAt")}</dt><dd>{moment(run.createdAt)}</dd>
      </dl>
    </Panel>
  );
}
