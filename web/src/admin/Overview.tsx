// The exchange as a whole: its mode, its figures, other platforms, jobs.

import { rest } from "@/api/rest";
import type { ExchangeMode } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { useLoaded } from "@/parts/loading";
import { Cash } from "@/portfolio/figures";
import { notify, notifyError } from "@/shell/notices";
import { moment } from "@/units/time";
import { decided } from "./decided";
import { EnginePanel } from "./EnginePanel";
import { t } from "./texts";

const EVERY_MS = 2_000;
const SLOWLY_MS = 10_000;
const MODES: readonly ExchangeMode[] = ["open", "post-only", "cancel-only", "halted"];

export function Overview() {
  const stats = useLoaded((signal) => rest.call("get", "/admin/stats", { signal }), [], EVERY_MS);
  const status = useLoaded((signal) => rest.call("get", "/exchange/status", { signal }), [], EVERY_MS);
  const feeds = useLoaded((signal) => rest.call("get", "/feed/status", { signal }), [], SLOWLY_MS);
  const jobs = useLoaded((signal) => rest.call("get", "/admin/jobs", { query: { limit: 100 }, signal }), [], SLOWLY_MS);
  const now = stats.data?.data ?? null;
  const setMode = async (mode: ExchangeMode) => {
    const action = t("setMode", { mode });
    if (!(await isSure({ title: action, text: t("modeWhy", { mode }), action, isDangerous: mode !== "open" }))) return;
    try {
      const done = await decided({ action: "exchange.mode", target: null, body: { mode } }, () => rest.call("post", "/admin/exchange/mode", { body: { mode } }));
      if (done === "done") notify("good", t("done"));
      stats.reload();
      status.reload();
    } catch (error) {
      notifyError(error);
    }
  };
  if (now === null) return stats.error === null ? <Waiting /> : <Failed error={stats.error} reload={stats.reload} />;
  const shown = status.data?.data;
  return (
    <div class="stack">
      <dl class="figures">
        <div><dt>{t("mode")}</dt><dd>{now.mode}{typeof shown?.modeSince === "string" && <small>{t("since", { time: moment(shown.modeSince) })}</small>}</dd></div>
        <div><dt>{t("fresh")}</dt><dd>{shown === undefined ? "–" : t(shown.stale ? "isStale" : "isFresh")}<small>{t("version")} {shown?.versions.program}</small></dd></div>
        <div><dt>{t("accounts")}</dt><dd>{now.accounts}</dd></div>
        <div><dt>{t("openOrders")}</dt><dd>{now.openOrders}</dd></div>
        <div><dt>{t("trades")}</dt><dd>{now.trades}</dd></div>
        <div><dt>{t("issued")}</dt><dd><Cash of={now.issued} /></dd></div>
        <div><dt>{t("collateral")}</dt><dd><Cash of={now.collateral} /></dd></div>
        <div><dt>{t("fees")}</dt><dd><Cash of={now.fees} /></dd></div>
        {Object.entries(now.markets).filter(([, count]) => count > 0).map(([name, count]) => <div key={name}><dt>{t("markets")}: {name}</dt><dd>{count}</dd></div>)}
      </dl>
      <EnginePanel />
      <Panel title={t("mode")}>
        <div class="row">{MODES.map((mode) => <button key={mode} class={mode === "halted" ? "button danger" : "button"} disabled={mode === now.mode} onClick={() => void setMode(mode)}>{t("setMode", { mode })}</button>)}</div>
      </Panel>
      <div class="columns">
        <Panel title={t("feeds")} isPlain>
          <DataTable
            caption={t("feeds")}
            rows={feeds.data?.data ?? []}
            keyOf={(feed) => feed.platform}
            columns={[
              { title: t("platform"), cell: (feed) => feed.title },
              { title: t("status"), cell: (feed) => <span class={feed.ok ? "badge" : "badge warn"}>{t(feed.ok ? "works" : "troubled")}</span> },
              { title: t("listed"), cell: (feed) => `${feed.active} / ${feed.markets}`, isNumber: true },
              { title: t("lastSuccess"), cell: (feed) => (feed.lastSuccessAt === null ? t("never") : moment(feed.lastSuccessAt)) },
              { title: t("lastError"), cell: (feed) => feed.lastError ?? "–", isExtra: true },
            ]}
          />
        </Panel>
        <Panel title={t("jobs")} isPlain>
          <DataTable
            caption={t("jobs")}
            rows={jobs.data?.data ?? []}
            keyOf={(job) => job.name}
            columns={[
              { title: t("job"), cell: (job) => job.name },
              { title: t("queued"), cell: (job) => job.queued, isNumber: true },
              { title: t("running"), cell: (job) => job.running, isNumber: true },
              { title: t("failed"), cell: (job) => (job.failed > 0 ? <span class="badge warn">{job.failed}</span> : 0), isNumber: true },
              { title: t("lastSuccess"), cell: (job) => (job.lastSuccessAt === null ? t("never") : moment(job.lastSuccessAt)), isExtra: true },
              { title: t("lastError"), cell: (job) => job.lastError ?? "–", isExtra: true },
            ]}
          />
        </Panel>
      </div>
    </div>
  );
}
