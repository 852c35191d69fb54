// One market in the list.

import type { ListedMarketView } from "@/api/schema";
import { now } from "@/feed/line";
import { Icon } from "@/shell/Icon";
import { cashOf, formatChance, formatShort, priceOf } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { moment, untilThen } from "@/units/time";
import { Spark } from "./Spark";
import { sparkOf } from "./sparks";
import { stars, toggleStar } from "./stars";
import { t } from "./texts";

export function MarketRow({ market, top, height }: { market: ListedMarketView; top: number; height: number }) {
  const isStarred = stars.value.has(market.id);
  const tick = priceOf(market.tickSize) ?? 100;
  const chance = priceOf(market.yesPrice) ?? priceOf(market.lastPrice);
  const price = (text: string | null) => (text === null ? "–" : shownPrice(priceOf(text) ?? 0, tick));
  return (
    <div class="market" role="row" data-market={market.id} style={{ transform: `translateY(${top}px)`, height: `${height}px` }}>
      <span role="cell">
        <button class="star" aria-pressed={isStarred} aria-label={t(isStarred ? "unstar" : "star", { question: market.question })} onClick={() => void toggleStar(market.id)}>
          <Icon name="star" size={16} filled={isStarred} />
        </button>
      </span>
      <span role="cell" class="question">
        <a href={`/trade/${encodeURIComponent(market.id.includes(":") ? market.id : (market.slug ?? market.id))}`}>{market.question}</a>
        <small>
          {market.platform !== "exchange" && <b>{market.platform}</b>} {market.category}
          {market.status !== "OPEN" && <i class="badge warn">{market.status}</i>}
          {market.asOf?.stale === true && <i class="badge warn">{t("stale")}</i>}
          {typeof market.eventId === "string" && <> · <a href={`/events/${encodeURIComponent(market.eventId)}`}>{market.eventTitle ?? t("event")}</a></>}
        </small>
      </span>
      <span role="cell" class="chance">
        <strong>{chance === null ? "–" : formatChance(chance)}</strong>
        <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="4" /><rect width={(chance ?? 0) / 100} height="4" /></svg>
      </span>
      <span role="cell" class="spark-cell"><Spark prices={sparkOf(market.id)} /></span>
      <span role="cell" class="num up">{price(market.bestBid)}</span>
      <span role="cell" class="num down">{price(market.bestAsk)}</span>
      <span role="cell" class="num volume">{formatShort(cashOf(market.volumeTotal ?? market.volume24h))}</span>
      <span role="cell" class="num closes quiet" title={market.closeTime === null ? "" : moment(market.closeTime)}>{market.closeTime === null ? "–" : untilThen(market.closeTime, now.value - (now.value % 60_000))}</span>
    </div>
  );
}
