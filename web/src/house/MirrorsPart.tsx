// The markets of other venues that are traded here: what the house quotes in each, what it has at stake, and making one.

import { useSignal } from "@preact/signals";
import { fresh } from "@/account/proofs/fresh";
import { rest } from "@/api/rest";
import type { MirrorBody, MirrorView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { Gain, Price } from "@/portfolio/figures";
import { notify } from "@/shell/notices";
import { navigate, query, setQuery } from "@/shell/router";
import { plainNumber } from "@/units/money";
import { day } from "@/units/time";
import { t } from "./texts";
import { profitOf, quotingOf, Stake, StatusBadge, STATUSES } from "./words";
import "./house.css";

const PAGE = 50;
const EVERY_MS = 4_000;
const FIELDS = ["marketId", "spread", "size", "exposure"];

export function MirrorsPart() {
  const status = STATUSES.find((one) => one === query.value.get("status"));
  const list = useListed((cursor, signal) => rest.call("get", "/admin/mirrors", { query: { cursor, limit: PAGE, status }, signal }), [status], EVERY_MS);
  return (
    <div class="stack house">
      <Panel title={t("mirrors")} isPlain>
        <div class="filters">
          <label class="field">
            <span class="label">{t("status")}</span>
            <select class="input" value={status ?? ""} onChange={(event) => setQuery("status", event.currentTarget.value)}>
              <option value="">{t("any")}</option>
              {STATUSES.map((one) => <option key={one} value={one}>{t(one)}</option>)}
            </select>
          </label>
        </div>
        <ListTable<MirrorView>
          caption={t("mirrors")}
          list={list}
          empty={t(status === undefined ? "noMirrors" : "noSuch")}
          keyOf={(one) => one.id}
          columns={[
            { title: t("mirror"), cell: (one) => <a href={`/admin/mirrors/${one.id}`} data-mirror={one.id}>{one.question}</a> },
            { title: t("status"), cell: (one) => <><StatusBadge mirror={one} /> {one.disputed === null && one.idle !== null && <small class="quiet">{quotingOf(one)}</small>}</> },
            { title: t("bidAsk"), cell: (one) => <Pair bid={one.bid} ask={one.ask} />, isNumber: true },
            { title: t("theirs"), cell: (one) => <Pair bid={one.sourceBid} ask={one.sourceAsk} />, isNumber: true },
            { title: t("stake"), cell: (one) => <Stake stake={one.atStake} most={one.exposure} />, isNumber: true },
            { title: t("profit"), cell: (one) => <Gain of={profitOf(one)} />, isNumber: true },
            { title: t("source"), cell: (one) => <span class="quiet">{one.platform}</span>, isExtra: true },
            { title: t("made"), cell: (one) => day(one.createdAt), isExtra: true },
          ]}
        />
      </Panel>
      <NewMirror />
    </div>
  );
}

function Pair({ bid, ask }: { bid: string | null; ask: string | null }) {
  return <><span class="up"><Price of={bid} /></span> / <span class="down"><Price of={ask} /></span></>;
}

function NewMirror() {
  const marketId = useSignal("");
  const spread = useSignal("");
  const size = useSignal("");
  const exposure = useSignal("");
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    const given = { spread: plainNumber(spread.value), size: plainNumber(size.value), exposure: plainNumber(exposure.value) };
    const body: MirrorBody = { marketId: marketId.value.trim(), ...Object.fromEntries(Object.entries(given).filter(([, text]) => text !== "")) };
    const answer = await fresh(() => rest.call("post", "/admin/mirrors", { body }));
    notify("good", t("isMade", { slug: answer.data.slug }));
    navigate(`/admin/mirrors/${answer.data.id}`);
  };
  return (
    <Panel title={t("newMirror")}>
      <form class="stack" onSubmit={on(send)}>
        <div class="terms">
          <TextField label={t("marketId")} name="marketId" value={marketId} problem={problem.value} isRequired hint={t("marketIdHint")} autocomplete="off" />
          <TextField label={t("spread")} name="spread" value={spread} problem={problem.value} inputMode="decimal" placeholder={t("unset")} hint={t("spreadHint")} autocomplete="off" />
          <TextField label={t("size")} name="size" value={size} problem={problem.value} inputMode="decimal" placeholder={t("unset")} autocomplete="off" />
          <TextField label={t("exposure")} name="exposure" value={exposure} problem={problem.value} inputMode="decimal" placeholder={t("unset")} autocomplete="off" />
        </div>
        <Problem problem={problem.value} fields={FIELDS} />
        <div><button class="button primary" disabled={isBusy.value}>{t("make")}</button></div>
      </form>
    </Panel>
  );
}
