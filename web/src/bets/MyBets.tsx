// One's bets: how they stand, what they are worth now, what the ended ones brought, and selling them back.

import { useEffect, useMemo } from "preact/hooks";
import { rest } from "@/api/rest";
import type { BetDetailView, BetState, BetView } from "@/api/schema";
import { DataTable, Failed, ListTable, Panel, Waiting } from "@/parts/DataTable";
import { opened } from "@/parts/Dialog";
import { useLoaded } from "@/parts/loading";
import { Cash, Gain, Price, Shares } from "@/portfolio/figures";
import { user } from "@/session/session";
import { query, setQuery } from "@/shell/router";
import { cashOf, formatCash, formatGain, quantityOf } from "@/units/money";
import { dayOfYear, moment } from "@/units/time";
import { BetMarkets, worthAt, type Known } from "./betMarkets";
import { labelsOf } from "./labels";
import { sideOf } from "./odds";
import { OwnBets } from "./ownBets";
import { costOfPart, sellBet } from "./SellBet";
import { t } from "./texts";
import { wordsOf } from "./words";

const SHOWN = {
  all: [],
  OPEN: ["OPEN", "PENDING"],
  WON: ["WON"],
  LOST: ["LOST"],
  SOLD: ["SOLD"],
  other: ["VOID", "REFUSED"],
} as const satisfies Record<string, readonly BetState[]>;
type Show = keyof typeof SHOWN;
const SHOWS = Object.keys(SHOWN) as Show[];

export function MyBets() {
  const asked = query.value.get("show");
  const show = SHOWS.find((one) => one === asked) ?? "all";
  return (
    <div class="stack">
      <div class="segments scroll" role="group" aria-label={t("show")}>
        {SHOWS.map((one) => <button key={one} type="button" aria-pressed={show === one} onClick={() => setQuery("show", one === "all" ? null : one)}>{t(one)}</button>)}
      </div>
      <Bets key={`${show} ${user.value?.id ?? ""}`} show={show} />
    </div>
  );
}

function Bets({ show }: { show: Show }) {
  const own = useMemo(() => new OwnBets({ statuses: SHOWN[show], market: null }), []);
  const markets = useMemo(() => new BetMarkets(), []);
  useEffect(() => () => {
    own.close();
    markets.close();
  }, []);
  const { list } = own;
  const open = list.rows.filter((bet) => bet.status === "OPEN");
  const wanted = [...new Set([...open, ...list.rows].map((bet) => bet.marketId))].join();
  useEffect(() => markets.want(wanted === "" ? [] : wanted.split(",")), [wanted]);
  const known = markets.known.value;
  const label = (bet: BetView) => labelsOf(known.get(bet.marketId) ?? {})[sideOf(bet)];
  const sell = async (bet: BetView) => {
    await sellBet(bet, label(bet));
    own.reload();
  };
  return (
    <>
      {list.rows.length > 0 && <Sums rows={list.rows} known={known} isPart={list.hasMore} />}
      <Panel title={t("mine")} isPlain>
        <ListTable
          caption={t("mine")}
          list={list}
          keyOf={(bet) => bet.id}
          empty={show === "all" ? <>{t("noBets")} <a href="/bets">{t("toQuestions")}</a></> : t("noBetsOf")}
          columns={[
            { title: t("question"), cell: (bet) => <a class="asked" href={`/bet/${encodeURIComponent(bet.slug ?? bet.marketId)}`}>{bet.question ?? bet.marketId}</a> },
            { title: t("on"), cell: (bet) => <strong class={sideOf(bet) === "THIS" ? "this-word" : "that-word"}>{label(bet)}</strong> },
            { title: t("placedAt"), cell: (bet) => <span class="nowrap" title={moment(bet.createdAt)}>{dayOfYear(bet.createdAt)}</span>, isExtra: true },
            { title: t("staked"), cell: (bet) => formatCash(cashOf(bet.cost) + cashOf(bet.fee)), isNumber: true },
            { title: t("payout"), cell: (bet) => (bet.status === "OPEN" ? <Cash of={bet.potentialPayout} /> : "–"), isNumber: true },
            { title: t("worth"), cell: (bet) => <Worth bet={bet} known={known.get(bet.marketId)} />, isNumber: true },
            { title: t("status"), cell: (bet) => <Status bet={bet} /> },
            { title: t("result"), cell: (bet) => <Gain of={bet.profit} />, isNumber: true },
            {
              title: "",
              cell: (bet) => (
                <span class="row actions">
                  <button type="button" class="button small bare" aria-label={t("detailOf", { question: bet.question ?? bet.id })} onClick={() => void opened(t("detail"), () => <Detail bet={bet} />)}>{t("detail")}</button>
                  {bet.status === "OPEN" && <button type="button" class="button small" aria-label={`${t("sell")}: ${bet.question ?? bet.id}, ${label(bet)}`} onClick={() => void sell(bet)}>{t("sell")}</button>}
                </span>
              ),
            },
          ]}
        />
      </Panel>
    </>
  );
}

function Worth({ bet, known }: { bet: BetView; known: Known | undefined }) {
  if (bet.status !== "OPEN") return <>–</>;
  const worth = worthAt(bet, known);
  return <>{worth === null ? "–" : formatCash(worth)}</>;
}

function Status({ bet }: { bet: BetView }) {
  const tone = bet.status === "WON" ? "good" : bet.status === "LOST" || bet.status === "REFUSED" ? "warn" : "";
  const why = bet.status === "REFUSED" ? (wordsOf(bet.reason) ?? bet.reason ?? "") : "";
  return <span class={`badge ${tone}`} title={why}>{t(bet.status)}</span>;
}

/** What the rows that are shown add up to. */
export function sumsOf(rows: readonly BetView[], known: ReadonlyMap<string, Known>) {
  const sums = { staked: 0n, pays: 0n, worth: 0n, profit: 0n, open: 0, unpriced: 0, ended: 0 };
  for (const bet of rows) {
    if (bet.status === "OPEN") {
      sums.open += 1;
      sums.staked += costOfPart(bet, quantityOf(bet.openShares));
      sums.pays += cashOf(bet.potentialPayout);
      const worth = worthAt(bet, known.get(bet.marketId));
      sums.worth += worth ?? 0n;
      if (worth === null) sums.unpriced += 1;
    } else if (bet.profit !== null) {
      sums.ended += 1;
      sums.profit += cashOf(bet.profit);
    }
  }
  return sums;
}

function Sums({ rows, known, isPart }: { rows: readonly BetView[]; known: ReadonlyMap<string, Known>; isPart: boolean }) {
  const sums = sumsOf(rows, known);
  return (
    <>
      <dl class="figures">
        {sums.open > 0 && (
          <>
            <div><dt>{t("sumStaked")}</dt><dd>{formatCash(sums.staked)}</dd></div>
            <div><dt>{t("sumWorth")}</dt><dd>{sums.unpriced === sums.open ? "–" : formatCash(sums.worth)}{sums.unpriced > 0 && <small>{t("sumWithout", { count: sums.unpriced })}</small>}</dd></div>
            <div><dt>{t("sumPays")}</dt><dd>{formatCash(sums.pays)}</dd></div>
          </>
        )}
        {sums.ended > 0 && <div><dt>{t("sumProfit")}</dt><dd class={sums.profit > 0n ? "up" : sums.profit < 0n ? "down" : ""} data-sum-profit>{formatGain(sums.profit)}</dd></div>}
      </dl>
      {isPart && <p class="quiet small">{t("sumOf", { count: rows.length })}</p>}
    </>
  );
}

function Detail({ bet }: { bet: BetView }) {
  const detail = useLoaded((signal) => rest.call("get", "/bets/{id}", { path: { id: bet.id }, signal }), []);
  if (detail.isFirst) return <Waiting />;
  if (detail.data === null) return <Failed error={detail.error} reload={detail.reload} />;
  const shown: BetDetailView = detail.data.data;
  return (
    <div class="stack">
      <p><strong>{shown.question}</strong></p>
      <dl class="facts">
        <dt>{t("placedAt")}</dt><dd>{moment(shown.placedAt ?? shown.createdAt)}</dd>
        <dt>{t("shares")}</dt><dd><Shares of={shown.shares} /> · <Price of={shown.averagePrice} /></dd>
        <dt>{t("staked")}</dt><dd>{t("paid", { cost: formatCash(cashOf(shown.cost) + cashOf(shown.fee), true), fee: formatCash(cashOf(shown.fee), true) })}</dd>
        <dt>{t("got")}</dt><dd><Cash of={shown.proceeds} isExact /></dd>
        {shown.profit !== null && <><dt>{t("result")}</dt><dd><Gain of={shown.profit} /></dd></>}
      </dl>
      <DataTable
        caption={t("exits")}
        rows={shown.exits.map((exit, index) => ({ ...exit, index }))}
        empty={t("noExits")}
        keyOf={(exit) => String(exit.index)}
        columns={[
          { title: t("time"), cell: (exit) => moment(exit.at) },
          { title: t("exits"), cell: (exit) => t(exit.kind) },
          { title: t("shares"), cell: (exit) => <Shares of={exit.shares} />, isNumber: true },
          { title: t("price"), cell: (exit) => <Price of={exit.averagePrice} />, isNumber: true },
          { title: t("got"), cell: (exit) => <Cash of={exit.proceeds} />, isNumber: true },
        ]}
      />
    </div>
  );
}
