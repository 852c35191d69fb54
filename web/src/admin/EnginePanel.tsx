// How the engine runs, looked at once a second: the figures are those of the time that the latest looks span.

import { useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { EngineView, SpreadView } from "@/api/schema";
import { Failed, Panel } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { perSecond, quantileOf, since } from "./spread";
import { t } from "./texts";

const EVERY_MS = 1_000;
/** Over so many looks, so that a quiet engine has figures too. */
const LOOKS = 5;

export function EnginePanel() {
  const answer = useLoaded((signal) => rest.call("get", "/admin/engine", { signal }), [], EVERY_MS);
  const looks = useRef<readonly EngineView[]>([]);
  const now = answer.data?.data ?? null;
  if (now === null) return answer.error === null ? null : <Failed error={answer.error} reload={answer.reload} />;
  // Another process, or one begun anew, counts from another beginning.
  const last = looks.current.at(-1);
  if (last !== undefined && (last.epoch !== now.epoch || last.batches.count > now.batches.count)) looks.current = [];
  if (last !== now) looks.current = [...looks.current, now].slice(-LOOKS);
  const before = looks.current[0] ?? now;
  const rate = (of: "seq" | "orders" | "trades" | "messagesOut") => perSecond(before, now, of);
  const spread = (of: "batches" | "commits" | "matching" | "lag") => since(before[of], now[of]);
  const batches = spread("batches");
  return (
    <Panel title={t("engine")} isPlain actions={now.isStale ? <span class="badge warn">{t("isStale")}</span> : <span class="badge">{t("isFresh")}</span>}>
      <dl class="figures" data-engine>
        <div><dt>{t("rate")}</dt><dd data-figure="rate">{shown(rate("seq"))}<small>{t("ordersTrades", { orders: shown(rate("orders")), trades: shown(rate("trades")) })}</small></dd></div>
        <div><dt>{t("batch")}</dt><dd>{batches.count === 0 ? "–" : (batches.sum / batches.count).toFixed(1)}<small>{t("batchCount", { count: batches.count })}</small></dd></div>
        <div><dt>{t("commit")}</dt><dd>{times(spread("commits"))}</dd></div>
        <div><dt>{t("matching")}</dt><dd>{times(spread("matching"))}</dd></div>
        <div><dt>{t("queue")}</dt><dd>{now.queue}</dd></div>
        <div><dt>{t("sockets")}</dt><dd>{now.sockets}<small>{t("messagesOut", { rate: shown(rate("messagesOut")) })}</small></dd></div>
        <div><dt>{t("lag")}</dt><dd>{times(spread("lag"))}</dd></div>
        <div><dt>{t("sequence")}</dt><dd>{now.seq}<small>{t("epoch")} {now.epoch}</small></dd></div>
      </dl>
    </Panel>
  );
}

function shown(rate: number | null): string {
  return rate === null ? "–" : rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
}

/** The middle and the slowest hundredth of times, at most so long. */
function times(spread: SpreadView) {
  const half = quantileOf(spread, 0.5);
  if (half === null) return "–";
  return <>{milliseconds(half)}<small>{t("slowest", { time: milliseconds(quantileOf(spread, 0.99) ?? half) })}</small></>;
}

function milliseconds(seconds: number): string {
  const ms = seconds * 1_000;
  return Number.isFinite(ms) ? `≤ ${ms < 1 ? ms.toFixed(2).replace(/0$/, "") : ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : t("veryLong");
}
