// What one wants to be told of, what was told, and where it is sent: each at an address of its own.

import type { AlertView } from "@/api/schema";
import { rest } from "@/api/rest";
import { toldCount } from "@/feed/alerts";
import { ListTable, Panel } from "@/parts/DataTable";
import { isSure, opened } from "@/parts/Dialog";
import { useListed } from "@/parts/loading";
import { SignedIn, Tabs } from "@/parts/Tabs";
import { notifyError } from "@/shell/notices";
import type { PageProps } from "@/shell/routes";
import { moment } from "@/units/time";
import { NewAlert } from "./NewAlert";
import { Notifications } from "./Notifications";
import { t } from "./texts";
import { Webhooks } from "./Webhooks";
import { textOf, titleOf, waitsFor } from "./words";
import "@/parts/parts.css";

const PARTS = { list: List, history: History, webhooks: Webhooks };
type Part = keyof typeof PARTS;

export default function AlertsPage({ params }: PageProps) {
  const named = params["part"];
  const part: Part = named !== undefined && named in PARTS ? (named as Part) : "list";
  const Shown = PARTS[part];
  const parts = (Object.keys(PARTS) as Part[]).map((name) => ({ href: name === "list" ? "/alerts" : `/alerts/${name}`, text: t(name) }));
  return (
    <SignedIn>
      <div class="page">
        <h1>{t("alerts")}</h1>
        <Tabs label={t("alerts")} parts={parts} />
        <Shown key={part} />
      </div>
    </SignedIn>
  );
}

function List() {
  const list = useListed((cursor, signal) => rest.call("get", "/alerts", { query: { cursor, limit: 100 }, signal }), [toldCount.value]);
  const create = async () => {
    await opened(t("newAlert"), (end) => <NewAlert onDone={() => end(null)} />);
    list.reload();
  };
  const change = async (alert: AlertView, active: boolean) => {
    await rest.call("patch", "/alerts/{id}", { path: { id: alert.id }, body: { active } }).catch(notifyError);
    list.reload();
  };
  const remove = async (alert: AlertView) => {
    if (!(await isSure({ title: t("removeIt"), text: t("removeItWhy"), action: t("remove"), isDangerous: true }))) return;
    await rest.call("delete", "/alerts/{id}", { path: { id: alert.id } }).catch(notifyError);
    list.reload();
  };
  return (
    <div class="stack">
      <Panel title={t("list")} isPlain actions={<button class="button small primary" onClick={() => void create()}>{t("newAlert")}</button>}>
        <ListTable
          caption={t("list")}
          list={list}
          empty={t("none")}
          keyOf={(alert) => alert.id}
          columns={[
            { title: t("what"), cell: (alert) => <>{waitsFor(alert)}{alert.note !== "" && <> · <span class="quiet">{alert.note}</span></>}</> },
            { title: t("market"), cell: (alert) => <Market id={alert.marketId} slug={alert.slug} question={alert.question} /> },
            { title: t("state"), cell: (alert) => <span class={`badge ${alert.active ? "" : "warn"}`}>{stateOf(alert)}</span> },
            { title: t("fired"), cell: (alert) => (alert.firedAt === null ? "–" : `${alert.firedCount} · ${moment(alert.firedAt)}`), isExtra: true },
            {
              title: "",
              cell: (alert) => (
                <span class="row actions">
                  <button class="button small" aria-label={`${alert.active ? t("pause") : t("startAgain")}: ${waitsFor(alert)}`} onClick={() => void change(alert, !alert.active)}>{alert.active ? t("pause") : t("startAgain")}</button>
                  <button class="button small danger" aria-label={`${t("remove")}: ${waitsFor(alert)}`} onClick={() => void remove(alert)}>{t("remove")}</button>
                </span>
              ),
            },
          ]}
        />
      </Panel>
      <Notifications />
    </div>
  );
}

/** How an alert stands, in a few words. */
function stateOf({ active, met, ended }: AlertView): string {
  if (active) return t(met ? "met" : "watching");
  return t(ended === "MARKET_ENDED" ? "marketEnded" : ended === "FIRED" ? "done" : "stopped");
}

function History() {
  const list = useListed((cursor, signal) => rest.call("get", "/alerts/firings", { query: { cursor, limit: 50 }, signal }), [toldCount.value]);
  return (
    <ListTable
      caption={t("history")}
      list={list}
      empty={t("noHistory")}
      keyOf={(firing) => firing.id}
      columns={[
        { title: t("time"), cell: (firing) => moment(firing.at) },
        { title: t("what"), cell: (firing) => titleOf(firing) },
        { title: t("about"), cell: (firing) => (firing.marketId === null ? textOf(firing) || "–" : <Market id={firing.marketId} slug={firing.saw.slug ?? null} question={textOf(firing)} />) },
      ]}
    />
  );
}

function Market({ id, slug, question }: { id: string | null; slug: string | null; question: string | null }) {
  if (id === null) return <>{t("anyMarket")}</>;
  return <a href={`/trade/${encodeURIComponent(slug ?? id)}`}>{question ?? id}</a>;
}
