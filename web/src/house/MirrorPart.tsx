// One mirror: its quotes beside its source's, the house's terms and exposure there, its end, and what is disputed.

import { useSignal } from "@preact/signals";
import { fresh } from "@/account/proofs/fresh";
import { rest } from "@/api/rest";
import type { MirrorChangeBody, MirrorView } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { Cash, Gain, Price, Shares } from "@/portfolio/figures";
import { notify, notifyError } from "@/shell/notices";
import { cashOf, formatCash, parsePrice, parseQuantity, plainNumber } from "@/units/money";
import { moment } from "@/units/time";
import { t } from "./texts";
import { profitOf, quotingOf, StatusBadge, Stake } from "./words";
import "./house.css";

const EVERY_MS = 2_000;
const STANDING = ["MAKING", "OPEN", "ENDED"];
const FIELDS = ["spread", "size", "exposure"] as const;

export function MirrorPart({ id }: { id: string }) {
  const found = useLoaded((signal) => rest.call("get", "/admin/mirrors/{id}", { path: { id }, signal }), [id], EVERY_MS);
  if (found.data === null) return found.error === null ? <Waiting /> : <Failed error={found.error} reload={found.reload} />;
  const mirror = found.data.data;
  const isStanding = STANDING.includes(mirror.status);
  const quoting = quotingOf(mirror);
  return (
    <div class="stack house">
      <p><a href="/admin/mirrors">← {t("back")}</a></p>
      <h2 class="question">{mirror.question} <StatusBadge mirror={mirror} /></h2>
      {mirror.disputed !== null && <Disputed mirror={mirror} reload={found.reload} />}
      {quoting !== null && mirror.disputed === null && <p class={mirror.idle === null ? "quiet" : "note"} data-quoting>{quoting}</p>}
      {mirror.refusal !== null && <p class="note">{t("refusal")}: {mirror.refusal}</p>}
      <dl class="figures">
        <div><dt>{t("stake")}</dt><dd data-figure="stake"><Cash of={mirror.atStake} /><small>{t("ofMost", { most: formatCash(cashOf(mirror.exposure)) })}</small></dd></div>
        <div><dt>{t("holds")}</dt><dd><small>{mirror.outcomes[0]}: <Shares of={mirror.yes} /></small><small>{mirror.outcomes[1]}: <Shares of={mirror.no} /></small></dd></div>
        <div><dt>{t("profit")}</dt><dd data-figure="profit"><Gain of={profitOf(mirror)} /></dd></div>
        <div><dt>{t("realised")}</dt><dd><Gain of={mirror.realisedProfit} /></dd></div>
        <div><dt>{t("unrealised")}</dt><dd><Gain of={mirror.unrealisedProfit} /></dd></div>
      </dl>
      <div class="columns">
        <Quotes mirror={mirror} />
        <ItsEnd mirror={mirror} />
        {isStanding && <Terms key={`${mirror.spread} ${mirror.size} ${mirror.exposure}`} mirror={mirror} reload={found.reload} />}
      </div>
    </div>
  );
}

function Quotes({ mirror }: { mirror: MirrorView }) {
  const source = `${mirror.platform}:${mirror.externalId}`;
  const rows = [
    { name: t("ours"), bid: mirror.bid, ask: mirror.ask },
    { name: t("theirs"), bid: mirror.sourceBid, ask: mirror.sourceAsk },
  ];
  return (
    <Panel title={`${t("quotes")}: ${mirror.outcomes[0]}`} isPlain actions={<span class="quiet small">{mirror.sourceAsOf === null ? t("unknown") : t("asOf", { time: moment(mirror.sourceAsOf) })}</span>}>
      <DataTable
        caption={t("quotes")}
        rows={rows}
        keyOf={(one) => one.name}
        columns={[
          { title: t("whose"), cell: (one) => one.name },
          { title: t("bid"), cell: (one) => <span class="up"><Price of={one.bid} /></span>, isNumber: true },
          { title: t("ask"), cell: (one) => <span class="down"><Price of={one.ask} /></span>, isNumber: true },
        ]}
      />
      <div class="body stack">
        <Stake stake={mirror.atStake} most={mirror.exposure} />
        <p class="row">
          {mirror.market !== null && <a class="button small" href={`/trade/${encodeURIComponent(mirror.slug)}`}>{t("market")}</a>}
          <a class="button small" href={`/trade/${encodeURIComponent(source)}`}>{t("sourceMarket")}</a>
        </p>
      </div>
    </Panel>
  );
}

/** What of the terms was changed, as it is sent; what is no number is the exchange's to refuse. */
export function changeOf(mirror: MirrorView, typed: Readonly<Record<(typeof FIELDS)[number], string>>): MirrorChangeBody {
  const isOther = { spread: parsePrice(typed.spread) !== parsePrice(mirror.spread), size: parseQuantity(typed.size) !== parseQuantity(mirror.size), exposure: cashOf(typed.exposure) !== cashOf(mirror.exposure) };
  return Object.fromEntries(FIELDS.filter((name) => isOther[name]).map((name) => [name, typed[name]]));
}

function Terms({ mirror, reload }: { mirror: MirrorView; reload: () => void }) {
  const spread = useSignal(mirror.spread);
  const size = useSignal(mirror.size);
  const exposure = useSignal(mirror.exposure.replace(/0{1,4}$/, ""));
  const { problem, isBusy, on } = useSending();
  const path = { id: mirror.id };
  const change = async (body: MirrorChangeBody, told: string) => {
    await fresh(() => rest.call("patch", "/admin/mirrors/{id}", { path, body }));
    notify("good", told);
    reload();
  };
  const send = () => change(changeOf(mirror, { spread: plainNumber(spread.value), size: plainNumber(size.value), exposure: plainNumber(exposure.value) }), t("saved"));
  const turn = async () => {
    const isPausing = mirror.quotes;
    if (isPausing && !(await isSure({ title: t("pause"), text: t("pauseWhy", { slug: mirror.slug }), action: t("pause"), isDangerous: true }))) return;
    await change({ quotes: !isPausing }, t(isPausing ? "isPaused" : "isResumed")).catch(notifyError);
  };
  const end = async () => {
    if (!(await isSure({ title: t("end"), text: t("endWhy"), action: t("end"), isDangerous: true }))) return;
    try {
      await fresh(() => rest.call("delete", "/admin/mirrors/{id}", { path }));
      notify("good", t("isEnded"));
    } catch (error) {
      notifyError(error);
    }
    reload();
  };
  const isEnded = mirror.status === "ENDED";
  return (
    <Panel title={t("terms")}>
      <form class="stack" onSubmit={on(send)}>
        <div class="terms">
          <TextField label={t("spread")} name="spread" value={spread} problem={problem.value} inputMode="decimal" isRequired autocomplete="off" />
          <TextField label={t("size")} name="size" value={size} problem={problem.value} inputMode="decimal" isRequired autocomplete="off" />
          <TextField label={t("exposure")} name="exposure" value={exposure} problem={problem.value} inputMode="decimal" isRequired autocomplete="off" />
        </div>
        <Problem problem={problem.value} fields={FIELDS} />
        <div class="row">
          <button class="button primary" disabled={isBusy.value}>{t("save")}</button>
          {!isEnded && <button type="button" class={mirror.quotes ? "button danger" : "button"} onClick={() => void turn()}>{t(mirror.quotes ? "pause" : "resume")}</button>}
          {!isEnded && <button type="button" class="button danger" onClick={() => void end()}>{t("end")}</button>}
        </div>
      </form>
    </Panel>
  );
}

function ItsEnd({ mirror }: { mirror: MirrorView }) {
  const { said } = mirror;
  return (
    <Panel title={t("itsEnd")}>
      {said === null && mirror.resolution === null && <p class="quiet">{t("goesOn")}</p>}
      <dl class="facts">
        {said !== null && (
          <>
            <dt>{t("said")}</dt><dd data-fact="said"><strong>{said.outcome}</strong>{said.yesPayout !== null && <> · <Price of={said.yesPayout} /></>}</dd>
            <dt>{t("saidAt")}</dt><dd>{moment(said.at)}</dd>
            {said.sourceAt !== null && <><dt>{t("sourceAt")}</dt><dd>{moment(said.sourceAt)}</dd></>}
            <dt>{t("confirmedAt")}</dt><dd>{moment(said.confirmedAt)}</dd>
            {mirror.resolution === null && <><dt>{t("decidesAt")}</dt><dd>{moment(said.decidesAt)}</dd></>}
          </>
        )}
        {mirror.resolution !== null && <><dt>{t("resolution")}</dt><dd data-fact="resolution"><strong>{mirror.resolution}</strong></dd></>}
        {mirror.resolvedAt !== null && <><dt>{t("resolvedAt")}</dt><dd>{moment(mirror.resolvedAt)}</dd></>}
      </dl>
    </Panel>
  );
}

function Disputed({ mirror, reload }: { mirror: MirrorView; reload: () => void }) {
  const heed = async () => {
    if (!(await isSure({ title: t("heed"), text: t("heedWhy"), action: t("heed") }))) return;
    try {
      await fresh(() => rest.call("patch", "/admin/mirrors/{id}", { path: { id: mirror.id }, body: { disputed: false } }));
      notify("good", t("isHeeded"));
    } catch (error) {
      notifyError(error);
    }
    reload();
  };
  return (
    <div class="note stack" role="alert" data-disputed>
      <p><strong>{t("disputedWhy")}</strong> {mirror.disputed}</p>
      <div class="row">
        <a class="button primary" href={`/admin/markets/${encodeURIComponent(mirror.slug)}`}>{t("resolveIt")}</a>
        <button class="button" onClick={() => void heed()}>{t("heed")}</button>
      </div>
    </div>
  );
}
