// The open questions as cards: each with its two answers, whose buttons lead to the bet.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ListedMarketView } from "@/api/schema";
import { now } from "@/feed/line";
import { MarketList } from "@/markets/list";
import { query, setQuery } from "@/shell/router";
import { PRICE_SCALE, cashOf, formatChance, formatShort, priceOf } from "@/units/money";
import { moment, untilThen } from "@/units/time";
import { labelsOf } from "./labels";
import { SIDES, type BetSide } from "./odds";
import { Split } from "./Split";
import { t } from "./texts";

const TYPED_MS = 150;

export function Questions() {
  const list = useMemo(() => new MarketList(), []);
  const isFirst = useSignal(true);
  const of = (name: string) => query.value.get(name) ?? "";
  const [search, platform, sort] = [of("q"), of("platform"), of("sort")];
  useEffect(() => () => list.close(), []);
  useEffect(() => {
    const timer = setTimeout(() => void list.ask({ search, category: "", platform: platform || "exchange", status: "OPEN", sort: sort || "volume" }), isFirst.peek() ? 0 : TYPED_MS);
    isFirst.value = false;
    return () => clearTimeout(timer);
  }, [search, platform, sort]);
  const shown = list.markets.value;
  const ids = shown.map((market) => market.id).join();
  useEffect(() => list.follow(ids === "" ? [] : ids.split(",")), [ids]);
  return (
    <div class="stack">
      <div class="questions-filters">
        <input class="input search" type="search" aria-label={t("search")} placeholder={t("search")} data-search value={search} onInput={(event) => setQuery("q", event.currentTarget.value)} />
        <select class="input" aria-label={t("platform")} value={platform} onChange={(event) => setQuery("platform", event.currentTarget.value)}>
          <option value="">{t("onlyHere")}</option>
          <option value="all">{t("everywhere")}</option>
        </select>
        <select class="input" aria-label={t("sort")} value={sort} onChange={(event) => setQuery("sort", event.currentTarget.value)}>
          <option value="">{t("byVolume")}</option>
          <option value="closing">{t("byClosing")}</option>
          <option value="created">{t("byNewest")}</option>
        </select>
        <span class="quiet count" role="status">{list.total.value === null ? "" : list.total.value === 1 ? t("countOne") : t("count", { count: list.total.value })}</span>
      </div>
      {list.problem.value !== null && <p class="empty" role="alert">{t("failed", { reason: list.problem.value })}</p>}
      {list.problem.value === null && !list.isLoading.value && shown.length === 0 && <p class="empty">{t("noQuestions")}</p>}
      <ul class="questions" aria-busy={list.isLoading.value}>
        {shown.map((market) => <Card key={market.id} market={market} />)}
      </ul>
      {list.total.value !== null && shown.length < list.total.value && <p class="more"><button type="button" class="button" onClick={() => void list.more()}>{t("more")}</button></p>}
    </div>
  );
}

function Card({ market }: { market: ListedMarketView }) {
  const labels = labelsOf(market);
  const first = priceOf(market.yesPrice) ?? priceOf(market.lastPrice);
  const chance = (side: BetSide) => (first === null ? "–" : formatChance(side === "THIS" ? first : PRICE_SCALE - first));
  const name = market.id.includes(":") ? market.id : (market.slug ?? market.id);
  const href = `/bet/${encodeURIComponent(name)}`;
  const volume = cashOf(market.volumeTotal ?? market.volume24h ?? market.volume);
  return (
    <li class="panel question-card" data-question={market.id}>
      <a class="asked" href={href}>{market.question}</a>
      <p class="row quiet small">
        {market.category !== "" && <span>{market.category}</span>}
        {market.closeTime !== null && <span title={moment(market.closeTime)}>{t("closes", { time: untilThen(market.closeTime, now.value - (now.value % 60_000)) })}</span>}
        {volume > 0n && <span>{t("volume", { volume: formatShort(volume) })}</span>}
      </p>
      <Split first={first} label="" />
      <div class="choose small">
        {SIDES.map((side) => (
          <a key={side} class={`side ${side === "THIS" ? "this" : "that"}`} href={`${href}?side=${side}`}>
            <span class="name">{labels[side]}</span>
            <strong class="chance">{chance(side)}</strong>
          </a>
        ))}
      </div>
    </li>
  );
}
