// What the exchange owes, signed, for everybody; and that one's own balance is in it. Checked here, not told.

import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { OwnProofView, ProofView } from "@/api/schema";
import { balance } from "@/feed/account";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { Cash, MarketLink } from "@/portfolio/figures";
import { standing, user } from "@/session/session";
import { path } from "@/shell/router";
import { clock, moment } from "@/units/time";
import { checked, type PublicKey, type Verdict } from "./checking";
import { t } from "./texts";
import "@/parts/parts.css";
import "./proof.css";

const MARKETS_MOST = 200;

interface Shown {
  readonly proof: ProofView;
  readonly mine: OwnProofView | null;
  readonly verdicts: readonly Verdict[];
  readonly at: number;
}

/** Null where the exchange has none. */
async function found<T>(asked: Promise<{ readonly data: T }>): Promise<T | null> {
  try {
    return (await asked).data;
  } catch (thrown) {
    if (asApiError(thrown).code === "NOT_FOUND") return null;
    throw thrown;
  }
}

async function looked(signal: AbortSignal, account: string | null): Promise<Shown | "none"> {
  const mine = account === null ? null : await found(rest.call("get", "/proof/me", { signal }));
  // A newer one may be made just now.
  const proof = await found(mine === null ? rest.call("get", "/proof", { signal }) : rest.call("get", "/proof/{id}", { path: { id: mine.proofId }, signal }));
  if (proof === null) return "none";
  const answer = await fetch("/.well-known/jwks.json", { signal });
  const { keys } = (await answer.json()) as { readonly keys: readonly PublicKey[] };
  return { proof, mine, verdicts: await checked(proof, mine, keys, account, Date.now()), at: Date.now() };
}

export default function ProofPage() {
  return (
    <div class="page proof">
      <h1>{t("proof")}</h1>
      {standing.value === "unknown" ? <Waiting /> : <Within />}
    </div>
  );
}

function Within() {
  const account = user.value?.id ?? null;
  const look = useLoaded((signal) => looked(signal, account), [account]);
  if (look.error !== null) return <Failed error={look.error} reload={look.reload} />;
  if (look.data === null) return <Waiting />;
  if (look.data === "none") return <p class="empty"><strong>{t("none")}</strong> {t("noneWhy")}</p>;
  const { proof, verdicts, at } = look.data;
  const again = <button class="button small" onClick={look.reload}>{t("again")}</button>;
  return (
    <div class="stack">
      <p class="quiet what">{t("what")}</p>
      <dl class="figures" aria-label={t("proof")}>
        <div><dt>{t("number")}</dt><dd data-figure="number">{proof.id}<small>{t("madeAt")} {moment(proof.madeAt)}</small></dd></div>
        <div><dt>{t("accounts")}</dt><dd>{proof.accounts}<small>{t("seq")} {proof.seq}</small></dd></div>
        <div><dt>{t("available")}</dt><dd><Cash of={proof.available} /></dd></div>
        <div><dt>{t("locked")}</dt><dd><Cash of={proof.locked} /></dd></div>
        <div><dt>{t("collateral")}</dt><dd data-figure="collateral"><Cash of={proof.collateral} /></dd></div>
        <div><dt>{t("fees")}</dt><dd><Cash of={proof.fees} /></dd></div>
        <div><dt>{t("issued")}</dt><dd data-figure="issued"><Cash of={proof.issued} /><small>{t("sum")}</small></dd></div>
      </dl>
      <div class="columns">
        <Panel title={t("checks")} isPlain actions={again}>
          <Checks verdicts={verdicts} at={at} />
        </Panel>
        <Panel title={t("yours")}><Own shown={look.data} /></Panel>
      </div>
      <div class="columns">
        <Panel title={t("details")}><Details of={proof} /></Panel>
        <Panel title={t("markets_")} isPlain><Markets of={proof} /></Panel>
      </div>
    </div>
  );
}

function Checks({ verdicts, at }: { verdicts: readonly Verdict[]; at: number }) {
  return (
    <>
      <ul class="checks" data-checks>
        {verdicts.map(({ step, state, why }) => (
          <li key={step} data-step={step} data-state={state}>
            <span class={state === "holds" ? "badge good" : state === "wrong" ? "badge bad" : "badge warn"}>{state === "holds" ? "✓ " : state === "wrong" ? "✕ " : "– "}{t(state)}</span>
            <span>{t(step)}{why !== null && <small class="quiet">{t(why)}</small>}</span>
          </li>
        ))}
      </ul>
      <p class="quiet small at">{t("checkedAt", { time: clock(at) })}</p>
      {verdicts.some((one) => one.state === "wrong") && <p class="note" role="alert">{t("isWrong")}</p>}
    </>
  );
}

function Own({ shown: { proof, mine } }: { shown: Shown }) {
  if (user.value === null) return <p><a class="button primary" href={`/sign-in?next=${encodeURIComponent(path.value)}`}>{t("signIn")}</a> {t("signInWhy")}</p>;
  if (mine === null) return <p>{t("tooNew")}</p>;
  const now = balance.value;
  return (
    <>
      <p>{t("isIn", { account: mine.accountId, seq: proof.seq })}</p>
      <dl class="figures" data-own aria-label={t("yours")}>
        <div><dt>{t("available")}</dt><dd data-figure="available"><Cash of={mine.available} isExact />{now !== null && <small>{t("now", { amount: "" })}<Cash of={now.available} isExact /></small>}</dd></div>
        <div><dt>{t("locked")}</dt><dd data-figure="locked"><Cash of={mine.locked} isExact />{now !== null && <small>{t("now", { amount: "" })}<Cash of={now.locked} isExact /></small>}</dd></div>
        <div><dt>{t("collateral")}</dt><dd data-figure="collateral"><Cash of={mine.collateral} isExact /></dd></div>
        <div><dt>{t("place")}</dt><dd>{mine.place}<small>{t("steps", { count: mine.path.length })}</small></dd></div>
      </dl>
      <p class="quiet small">{t("compare")}</p>
    </>
  );
}

function Details({ of }: { of: ProofView }) {
  return (
    <>
      <dl class="signed">
        <dt>{t("root")}</dt><dd class="mono" data-figure="root">{of.root}</dd>
        <dt>{t("chainHead")}</dt><dd class="mono">{of.chainHead}</dd>
        <dt>{t("seq")}</dt><dd class="mono">{of.seq}</dd>
      </dl>
      <p class="quiet small">{t("keep")}</p>
      <details><summary>{t("jws")}</summary><p class="mono">{of.jws}</p></details>
    </>
  );
}

function Markets({ of }: { of: ProofView }) {
  const list = useLoaded((signal) => rest.call("get", "/markets", { query: { limit: MARKETS_MOST }, signal }), [of.id]);
  const slugs = new Map(list.data?.data.map((market) => [market.id, market.slug]));
  const rows = of.otherMarkets.count === 0 ? of.markets : [...of.markets, { marketId: "", collateral: of.otherMarkets.collateral }];
  const named = (id: string) => {
    const slug = slugs.get(id);
    return id === "" ? t("others", { count: of.otherMarkets.count }) : slug === undefined || slug === null ? id : <MarketLink slug={slug} />;
  };
  return (
    <DataTable
      caption={t("markets_")}
      rows={rows}
      empty={t("noMarkets")}
      keyOf={(row) => row.marketId}
      columns={[
        { title: t("market"), cell: (row) => named(row.marketId) },
        { title: t("collateral"), cell: (row) => <Cash of={row.collateral} />, isNumber: true },
      ]}
    />
  );
}
