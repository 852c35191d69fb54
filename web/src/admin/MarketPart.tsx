// One market: halting, resuming, closing, resolving it, and what has happened to it.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { ListedMarketView, MarketStatus, Resolution, ResolutionBody } from "@/api/schema";
import { Failed, ListTable, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { Choice, Problem, TextField, useSending } from "@/parts/Form";
import { useListed, useLoaded } from "@/parts/loading";
import { Cash, Shares } from "@/portfolio/figures";
import { notify, notifyError } from "@/shell/notices";
import { costOf, formatCash, formatPrice, parsePrice, PRICE_SCALE, quantityOf } from "@/units/money";
import { moment } from "@/units/time";
import { decided } from "./decided";
import { Payees } from "./Payees";
import { t } from "./texts";

const STATUSES = ["OPEN", "POST_ONLY", "HALTED", "FULL_HALT", "CLOSED"] as const;
const FINAL = ["RESOLVED", "RESOLVING", "VOID"];
const EVERY_MS = 4_000;

/** What an answer pays for a YES and a NO share, in price units; null for a split that isn't said. */
export function paysOf(outcome: Resolution, split: string): { readonly yes: number; readonly no: number } | null {
  if (outcome === "VOID") return null;
  const yes = outcome === "YES" ? PRICE_SCALE : outcome === "NO" ? 0 : parsePrice(split);
  return yes === null || yes > PRICE_SCALE || yes < 0 ? null : { yes, no: PRICE_SCALE - yes };
}

export function MarketPart({ slug }: { slug: string }) {
  const market = useLoaded((signal) => rest.call("get", "/markets/{slug}", { path: { slug }, signal }), [slug], EVERY_MS);
  const life = useListed((cursor, signal) => rest.call("get", "/markets/{slug}/lifecycle", { path: { slug }, query: { cursor, limit: 50 }, signal }), [slug]);
  const reload = () => {
    market.reload();
    life.reload();
  };
  if (market.isFirst) return <Waiting />;
  if (market.data === null) return <Failed error={market.error} reload={reload} />;
  const shown = market.data.data;
  return (
    <div class="stack">
      <p><a href="/admin/markets">← {t("back")}</a></p>
      <h2 class="question">{shown.question}</h2>
      <dl class="figures">
        <div><dt>{t("status")}</dt><dd data-figure="status">{shown.status}</dd></div>
        <div><dt>{t("openInterest")}</dt><dd><Shares of={shown.openInterest} /></dd></div>
        <div><dt>{t("volume")}</dt><dd><Cash of={shown.volume} /></dd></div>
        <div><dt>{t("closeTime")}</dt><dd><small>{shown.closeTime === null ? "–" : moment(shown.closeTime)}</small></dd></div>
      </dl>
      {!FINAL.includes(shown.status) && <div class="columns"><Status market={shown} slug={slug} reload={reload} /><Resolving market={shown} slug={slug} reload={reload} /></div>}
      <Panel title={t("life")} isPlain>
        <ListTable
          caption={t("life")}
          list={life}
          keyOf={(one) => `${one.seq} ${one.type} ${one.status ?? ""}`}
          columns={[
            { title: t("time"), cell: (one) => moment(one.createdAt) },
            { title: t("action"), cell: (one) => one.type },
            { title: t("status"), cell: (one) => one.status ?? one.outcome ?? "–" },
            { title: t("actor"), cell: (one) => `${one.by}${one.reason === null ? "" : ` · ${one.reason}`}` },
            { title: t("evidence"), cell: (one) => one.source ?? "–", isExtra: true },
          ]}
        />
      </Panel>
    </div>
  );
}

interface Props {
  readonly market: ListedMarketView;
  readonly slug: string;
  readonly reload: () => void;
}

function Status({ market, slug, reload }: Props) {
  const set = async (status: (typeof STATUSES)[number]) => {
    const title = t("sureStatus", { action: t(status) });
    if (!(await isSure({ title, text: status === "CLOSED" ? t("closeWhy") : t("statusWhy", { slug, status }), action: t(status), isDangerous: status !== "OPEN" }))) return;
    const body = { status: status as MarketStatus };
    try {
      await decided({ action: "market.status", target: slug, body }, () => rest.call("patch", "/markets/{slug}/status", { path: { slug }, body }));
    } catch (error) {
      notifyError(error);
    }
    reload();
  };
  return (
    <Panel title={t("status")}>
      <div class="row">
        {STATUSES.map((status) => (
          <button key={status} class={status === "OPEN" || status === "POST_ONLY" ? "button" : "button danger"} disabled={status === market.status} onClick={() => void set(status)}>{t(status)}</button>
        ))}
      </div>
    </Panel>
  );
}

function Resolving({ market, slug, reload }: Props) {
  const outcome = useSignal<Resolution>("YES");
  const split = useSignal("0.50");
  const source = useSignal("");
  const { problem, isBusy, on } = useSending();
  const pays = paysOf(outcome.value, split.value);
  // Each pair of shares is backed by one credit, so shares out are credits to be paid.
  const total = costOf(PRICE_SCALE, quantityOf(market.openInterest));
  const send = async () => {
    if (!(await isSure({ title: `${t("resolve")}: ${outcome.value}`, text: <div class="stack"><p>{t("resolveWhy")}</p><Pays pays={pays} total={total} /><p class="quiet">{source.value}</p></div>, action: t("resolve"), isDangerous: true }))) return;
    const body: ResolutionBody = { outcome: outcome.value, source: source.value.trim(), ...(outcome.value === "SPLIT" ? { yesPayout: split.value.trim() } : {}) };
    const done = await decided({ action: "market.resolve", target: slug, body }, () => rest.call("post", "/markets/{slug}/resolve", { path: { slug }, body }));
    if (done === "done") notify("good", t("resolved"));
    reload();
  };
  return (
    <Panel title={t("resolve")}>
      <form class="stack" onSubmit={on(send)}>
        <Choice label={t("outcome")} name="outcome" value={outcome} choices={[["YES", "YES"], ["NO", "NO"], ["SPLIT", "SPLIT"], ["VOID", "VOID"]]} />
        {outcome.value === "SPLIT" && <TextField label={t("payout")} name="yesPayout" value={split} problem={problem.value} inputMode="decimal" isRequired />}
        <TextField label={t("evidence")} name="source" value={source} problem={problem.value} hint={t("evidenceHint")} isRequired isLong autocomplete="off" />
        <Pays pays={pays} total={total} />
        {pays !== null || outcome.value === "VOID" ? <Payees slug={slug} outcome={outcome.value} split={split.value} /> : null}
        <Problem problem={problem.value} fields={["yesPayout", "source"]} />
        <div><button class="button danger" disabled={isBusy.value}>{t("resolve")}</button></div>
      </form>
    </Panel>
  );
}

function Pays({ pays, total }: { pays: ReturnType<typeof paysOf>; total: bigint }) {
  return (
    <dl class="facts" aria-label={t("settlement")}>
      {pays !== null && <><dt>{t("perYes")}</dt><dd>{formatPrice(pays.yes)}</dd><dt>{t("perNo")}</dt><dd>{formatPrice(pays.no)}</dd></>}
      <dt>{t("inAll")}</dt><dd>{formatCash(total)}</dd>
    </dl>
  );
}
