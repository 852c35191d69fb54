// Every platform's markets in one table: searched as one types, filtered, sorted, live.

import { watch } from "@/shell/watch";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { CategoryView, ListedMarketView } from "@/api/schema";
import { query, setQuery } from "@/shell/router";
import { useTitle } from "@/shell/title";
import { MarketList } from "./list";
import { MarketRow } from "./MarketRow";
import "./markets.css";
import { followStars, stars } from "./stars";
import { sparkVersion, wantSparks } from "./sparks";
import { t } from "./texts";
import { useVirtual } from "./virtual";

const TYPED_MS = 150;
const SEEN_MS = 250;
const ROW = 56;
const NARROW_ROW = 84;
const narrow = typeof matchMedia === "undefined" ? null : matchMedia("(max-width: 760px)");

function Pick({ name, label, choices }: { name: string; label: string; choices: readonly (readonly [string, string])[] }) {
  return (
    <label class="pick">
      <span class="visually-hidden">{label}</span>
      <select class="input" value={query.value.get(name) ?? ""} onChange={(event) => setQuery(name, event.currentTarget.value)}>
        {choices.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
}

const FILTERS = ["q", "category", "platform", "status"] as const;

/** The markets with a star: of those read, and of those sought by name where nothing is filtered. */
function starredOf(list: MarketList, isFiltered: boolean): readonly ListedMarketView[] {
  const read = list.markets.value.filter((market) => stars.value.has(market.id));
  if (isFiltered) return read;
  const ids = new Set(read.map((market) => market.id));
  const sought = [...list.sought.value.values()].filter((market) => market !== null && stars.value.has(market.id) && !ids.has(market.id));
  return [...read, ...(sought as ListedMarketView[])];
}

export default function MarketsPage() {
  const list = useMemo(() => new MarketList(), []);
  const scroller = useRef<HTMLDivElement>(null);
  const categories = useSignal<readonly CategoryView[]>([]);
  const venues = useSignal<readonly (readonly [string, string])[]>([]);
  const isNarrow = useSignal(narrow?.matches ?? false);
  const asked = query.value;
  const isStarred = asked.get("starred") !== null;
  useTitle(t("title"));
  useEffect(() => {
    const resized = () => (isNarrow.value = narrow?.matches ?? false);
    narrow?.addEventListener("change", resized);
    const stopStars = followStars();
    void rest.call("get", "/markets/categories", { query: { platform: "all" } }).then((answer) => (categories.value = answer.data), () => undefined);
    void rest.call("get", "/feed/status").then((answer) => (venues.value = answer.data.map((venue) => [venue.platform, venue.title] as const)), () => undefined);
    return () => {
      narrow?.removeEventListener("change", resized);
      stopStars();
      list.close();
    };
  }, []);
  useEffect(() => {
    const of = (name: string) => asked.get(name) ?? "";
    const timer = setTimeout(() => void list.ask({ search: of("q"), category: of("category"), platform: of("platform"), status: of("status"), sort: of("sort") }), list.total.peek() === null ? 0 : TYPED_MS);
    return () => clearTimeout(timer);
  }, [asked.get("q"), asked.get("category"), asked.get("platform"), asked.get("status"), asked.get("sort")]);

  const isFiltered = FILTERS.some((name) => asked.get(name) !== null);
  // A star may be far down the list: those that aren't read yet are read by name.
  useEffect(() => {
    if (isStarred && !isFiltered && list.total.value !== null) void list.seek([...stars.value.keys()]);
  }, [isStarred, isFiltered, stars.value, list.total.value]);
  const shown = isStarred ? starredOf(list, isFiltered) : list.markets.value;
  const height = isNarrow.value ? NARROW_ROW : ROW;
  const { items, height: whole } = useVirtual(scroller, shown.length, height);
  const seen = items.map((item) => shown[item.index]?.id ?? "").join();
  useEffect(() => {
    const ids = seen === "" ? [] : seen.split(",");
    const timer = setTimeout(() => {
      list.follow(ids);
      wantSparks(ids);
    }, SEEN_MS);
    if ((items.at(-1)?.index ?? 0) >= shown.length - 10) void list.more();
    return () => clearTimeout(timer);
  }, [seen]);
  watch(sparkVersion);
  return (
    <div class="page markets">
      <div class="filters">
        <h1 class="visually-hidden">{t("title")}</h1>
        <input class="input search" type="search" aria-label={t("search")} placeholder={`${t("search")}  /`} data-search value={asked.get("q") ?? ""} onInput={(event) => setQuery("q", event.currentTarget.value)} />
        <Pick name="category" label={t("category")} choices={[["", t("category")], ...categories.value.map((one) => [one.category, `${one.name} ${one.active}`] as const)]} />
        <Pick name="platform" label={t("platform")} choices={[["", t("platform")], ["exchange", t("here")], ...venues.value]} />
        <Pick name="status" label={t("status")} choices={[["", t("status")], ["OPEN", t("open")], ["CLOSED", t("closed")], ["RESOLVED", t("resolved")]]} />
        <Pick name="sort" label={t("sort")} choices={[["", t("sort")], ["volume", t("volume")], ["liquidity", t("liquidity")], ["closing", t("closing")], ["created", t("created")]]} />
        <button class="button" aria-pressed={isStarred} onClick={() => setQuery("starred", isStarred ? null : "1")}>★ {t("starred")}</button>
        <span class="quiet count" role="status">{list.total.value === null ? "" : t("count", { count: isStarred ? shown.length : list.total.value })}</span>
      </div>
      <div class="panel list" role="table" aria-label={t("title")} aria-busy={list.isLoading.value} aria-rowcount={shown.length}>
        <div class="market heads" role="row">
          <span role="columnheader"><span class="visually-hidden">{t("starred")}</span></span>
          {(["question", "chance", "past", "bid", "ask", "volume", "closes"] as const).map((head) => <span key={head} role="columnheader" class={head === "question" || head === "chance" || head === "past" ? `${head}-head` : "num"}>{t(head)}</span>)}
        </div>
        <div ref={scroller} class="scroll rows" role="rowgroup" tabIndex={0}>
          <div class="extent" style={{ height: `${whole}px` }}>
            {items.map((item) => {
              const market = shown[item.index];
              return market === undefined ? null : <MarketRow key={market.id} market={market} top={item.start} height={height} />;
            })}
          </div>
          {list.problem.value !== null && <p class="empty" role="alert">{t("failed", { reason: list.problem.value })}</p>}
          {list.problem.value === null && !list.isLoading.value && shown.length === 0 && <p class="empty">{t(isStarred ? "noStars" : "none")}</p>}
        </div>
      </div>
    </div>
  );
}
