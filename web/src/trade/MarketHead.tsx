// Which market this is: the question, the chance, what there is to know, and its rules one click away.

import type { ReadonlySignal } from "@preact/signals";
import type { ListedMarketView } from "@/api/schema";
import { now } from "@/feed/line";
import { opened } from "@/parts/Dialog";
import { isSignedIn } from "@/session/session";
import { layout } from "@/shell/preferences";
import { cashOf, formatChance, formatQuantity, formatShort, priceText, quantityOf } from "@/units/money";
import { moment, untilThen } from "@/units/time";
import { t } from "./texts";

/** Ask what to be told of this market; what asks is loaded then. */
async function alertMe(market: ListedMarketView, middle: number | null): Promise<void> {
  const { NewAlert } = await import("@/alerts/NewAlert");
  await opened(t("alertMe"), (end) => <NewAlert marketId={market.id} price={middle === null ? "" : priceText(Math.round(middle))} onDone={() => end(null)} />);
}

/** Ask the web about this market; what asks is loaded then. */
async function researchIt(market: ListedMarketView): Promise<void> {
  const { ResearchHere } = await import("@/research/ResearchHere");
  await opened(t("research"), () => <ResearchHere marketId={market.id} />);
}

/** What YES and NO are called, which the book and the ticket name so; null where that says it. */
function namesOf(market: ListedMarketView): string | null {
  const [yes, no] = market.outcomes ?? ["Yes", "No"];
  return /^yes$/i.test(yes) && /^no$/i.test(no) ? null : `YES: ${yes} · NO: ${no}`;
}

export function MarketHead({ market, middle }: { market: ListedMarketView; middle: ReadonlySignal<number | null> }) {
  const isOver = market.status === "RESOLVED" || market.status === "VOID";
  const names = namesOf(market);
  return (
    <header class="market-head">
      <div class="what">
        <h1>{market.question}</h1>
        <div class="row quiet">
          <span class={`badge ${market.status === "OPEN" ? "" : "warn"}`}>{market.status}{market.resolution === null ? "" : ` ${market.resolution}`}</span>
          {names !== null && <span class="names" title={names}>{names}</span>}
          {market.category !== "" && <span>{market.category}</span>}
          {market.closeTime !== null && !isOver && <span title={moment(market.closeTime)}>{t("closes")} {untilThen(market.closeTime, now.value - (now.value % 60_000))}</span>}
          <span>{t("volume")} {formatShort(cashOf(market.volumeTotal ?? market.volume24h))}</span>
          {market.openInterest !== null && <span class="wide">{t("interest")} {formatQuantity(quantityOf(market.openInterest))}</span>}
          {market.status === "OPEN" && <a class="button small" href={`/bet/${encodeURIComponent(market.id.includes(":") ? market.id : (market.slug ?? market.id))}`}>{t("bet")}</a>}
          {isSignedIn.value && !isOver && <button class="button small" onClick={() => void alertMe(market, middle.peek())}>{t("alertMe")}</button>}
          {isSignedIn.value && <button class="button small" onClick={() => void researchIt(market)}>{t("research")}</button>}
          {isSignedIn.value && <a class="button small wide" href={`/backtests/new?market=${encodeURIComponent(market.id.includes(":") ? market.id : (market.slug ?? market.id))}`}>{t("backtest")}</a>}
          <details class="rules">
            <summary>{t("rules")}</summary>
            <div class="panel body stack">
              <p class="description">{market.description}</p>
              <dl class="facts">
                <dt>{t("source")}</dt><dd>{market.source ?? t("noSource")}</dd>
                {market.closeTime !== null && <><dt>{t("closed")}</dt><dd>{moment(market.closeTime)}</dd></>}
                {market.resolvedAt !== null && <><dt>{t("resolves")}</dt><dd>{moment(market.resolvedAt)}</dd></>}
                {market.takerFee !== null && <><dt>{t("fees")}</dt><dd>{market.takerFee} {market.feeModel}</dd></>}
                <dt>{t("platform")}</dt><dd>{market.platform}{market.url !== undefined && market.url !== null && <> · <a href={market.url} rel="noreferrer" target="_blank">{new URL(market.url).host}</a></>}</dd>
              </dl>
            </div>
          </details>
        </div>
      </div>
      <div class="segments layouts" role="group" aria-label={t("layout")}>
        {(["pro", "simple"] as const).map((name) => <button key={name} aria-pressed={layout.value === name} onClick={() => (layout.value = name)}>{t(name)}</button>)}
      </div>
      <p class="chance"><strong>{middle.value === null ? "–" : formatChance(middle.value)}</strong><small>{t("chance")}</small></p>
    </header>
  );
}
