// One question to bet on: two answers with their chances, a stake, what it would pay, and one button.

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { rest } from "@/api/rest";
import type { ListedMarketView } from "@/api/schema";
import { now } from "@/feed/line";
import { stateOf } from "@/feed/trust";
import { useLoaded } from "@/parts/loading";
import { isSignedIn, user } from "@/session/session";
import { navigate, query } from "@/shell/router";
import type { PageProps } from "@/shell/routes";
import { useTitle } from "@/shell/title";
import { PRICE_SCALE, cashOf, formatCash, formatChance, formatShort, priceOf } from "@/units/money";
import { moment, untilThen } from "@/units/time";
import { BetDesk } from "./betDesk";
import { BetForm } from "./BetForm";
import { BetsTabs } from "./BetsTabs";
import { Chances } from "./Chances";
import { labelsOf, type Labels } from "./labels";
import { SIDES, chanceOf, estimateOf, timesOf, type BetSide } from "./odds";
import { OwnHere } from "./OwnHere";
import { Split } from "./Split";
import { t } from "./texts";
import "@/parts/parts.css";
import "./bets.css";

export default function BetPage({ params }: PageProps) {
  const name = params["market"] ?? "";
  const read = useLoaded((signal) => rest.call("get", "/markets/{slug}", { path: { slug: name }, signal }), [name]);
  const market = read.data?.data;
  return (
    <div class="page bet">
      <BetsTabs />
      {read.error !== null && <p class="empty" role="alert">{read.error.message} · <a href="/bets">{t("toQuestions")}</a></p>}
      {read.isFirst && <p class="empty" aria-busy="true">…</p>}
      {market !== undefined && <Question key={`${market.id} ${user.value?.id ?? ""}`} first={market} />}
    </div>
  );
}

function askedSide(): BetSide | null {
  return SIDES.find((one) => one === query.peek().get("side")) ?? null;
}

function Question({ first }: { first: ListedMarketView }) {
  const market = useMemo(() => signal(first), []);
  const desk = useMemo(() => new BetDesk(market, askedSide()), []);
  const shown = market.value;
  const labels = labelsOf(shown);
  useEffect(() => () => desk.close(), []);
  useTitle(shown.question);
  useEffect(() => {
    // Another venue's question is bet on in its mirror: where there is one, that is shown.
    if (first.mirror !== undefined) navigate(`/bet/${encodeURIComponent(first.mirror)}${location.search}`, true);
  }, []);
  const isOpen = shown.status === "OPEN";
  return (
    <div class="columns bet-columns">
      <section class="bet-main" aria-label={shown.question}>
        <header class="bet-head">
          <Facts market={shown} />
          <h1>{shown.question}</h1>
        </header>
        {isOpen ? <Choose desk={desk} labels={labels} /> : <Over market={shown} labels={labels} />}
        {(isOpen || desk.attempts.open !== null) && <BetForm desk={desk} labels={labels} />}
      </section>
      <div class="stack">
        {isSignedIn.value && <OwnHere desk={desk} labels={labels} />}
        <Chances market={shown.mirrorOf ?? shown.id} label={labels.THIS} />
        <details class="panel bet-rules" open={shown.description.length < 280}>
          <summary>{t("rules")}</summary>
          <p class="description">{shown.description === "" ? t("noRules") : shown.description}</p>
          <p class="row quiet"><a href={`/trade/${encodeURIComponent(shown.id.includes(":") ? shown.id : (shown.slug ?? shown.id))}`}>{t("toBook")}</a>{shown.closeTime !== null && <span>{moment(shown.closeTime)}</span>}</p>
        </details>
      </div>
    </div>
  );
}

function Facts({ market }: { market: ListedMarketView }) {
  const isOver = market.status === "RESOLVED" || market.status === "VOID";
  const volume = cashOf(market.volumeTotal ?? market.volume24h);
  return (
    <p class="row quiet">
      {market.category !== "" && <span>{market.category}</span>}
      {market.closeTime !== null && !isOver && <span title={moment(market.closeTime)}>{t("closes", { time: untilThen(market.closeTime, now.value - (now.value % 60_000)) })}</span>}
      {volume > 0n && <span>{t("volume", { volume: formatShort(volume) })}</span>}
      {(market.mirrorOf !== undefined || market.id.includes(":")) && <span class="badge">{t("mirror", { platform: (market.mirrorOf ?? market.id).split(":")[0] ?? "" })}</span>}
    </p>
  );
}

/** The two buttons. A side shows its chance, and what the stake would pay on it. */
function Choose({ desk, labels }: { desk: BetDesk; labels: Labels }) {
  const odds = desk.odds.value;
  const state = stateOf(desk.feed.trust.value);
  const first = chanceOf(odds, "THIS");
  return (
    <div class="choose" role="group" aria-label={t("choose")}>
      {SIDES.map((side) => {
        const chance = chanceOf(odds, side);
        const best = odds.offers[side][0];
        const estimate = desk.stake.value === null ? null : estimateOf(odds, side, desk.stake.value);
        return (
          <button key={side} type="button" class={`side ${side === "THIS" ? "this" : "that"}`} data-side={side} aria-pressed={desk.side.value === side} onClick={() => desk.choose(side)}>
            <span class="name">{labels[side]}</span>
            <strong class="chance">{chance === null ? "–" : formatChance(chance)}</strong>
            <small>{best === undefined ? t("notOffered") : estimate === null ? t("pays", { times: timesOf(best[0]) }) : `${formatCash(estimate.cost)} → ${formatCash(estimate.payout)}`}</small>
          </button>
        );
      })}
      <Split first={first} label={first === null ? "" : t("chances", { first: labels.THIS, chance: formatChance(first), second: labels.THAT, other: formatChance(PRICE_SCALE - first) })} />
      {state !== "live" && state !== "connecting" && <p class="note" role="status">{t("liveNot", { state: t(state) })}</p>}
    </div>
  );
}

function Over({ market, labels }: { market: ListedMarketView; labels: Labels }) {
  const text = () => {
    if (market.resolution === "YES") return t("ended", { side: labels.THIS });
    if (market.resolution === "NO") return t("ended", { side: labels.THAT });
    if (market.resolution === "VOID" || market.status === "VOID") return t("endedVoid");
    if (market.resolution === "SPLIT") return t("endedSplit", { first: labels.THIS, price: formatCash(BigInt(priceOf(market.yesPayout) ?? 0) * 100n) });
    return t(market.status === "HALTED" || market.status === "FULL_HALT" || market.status === "POST_ONLY" ? "halted" : "closed");
  };
  return <p class={`over ${market.resolution === "YES" ? "this" : market.resolution === "NO" ? "that" : ""}`} role="status" data-over>{text()}</p>;
}
