// What is read aloud when the reader asks for it: the best prices, what is between them, what is one's own.

import { positions } from "@/feed/account";
import { PRICE_SCALE, formatQuantity, quantityOf } from "@/units/money";
import { shownDifference, shownPrice } from "@/units/prices";
import { t } from "./texts";
import type { TradeDesk } from "./tradeDesk";

/** The words of this moment, those of the past one if that is shown. `tick` is the market's. */
export function spokenOf(desk: TradeDesk, marketId: string, tick: number): string {
  const past = desk.past.peek();
  const { bestBid, bestAsk } = (past ?? desk.feed).book;
  const price = (of: number | null) => (of === null ? t("spokenNone") : shownPrice(of, tick));
  const words = [t("spokenBest", { bid: price(bestBid), ask: price(bestAsk) })];
  if (past !== null) words.unshift(t("past"));
  else if (!desk.isLive.peek()) words.unshift(t("stale"));
  if (bestBid !== null && bestAsk !== null) words.push(t("spokenSpread", { spread: shownDifference(Math.min(PRICE_SCALE, bestAsk - bestBid), tick) }));
  const last = past === null ? desk.lastPrice.peek() : lastUpTo(desk, past.shown.peek()?.seq ?? 0);
  if (last !== null) words.push(t("spokenLast", { last: shownPrice(last, tick) }));
  const held = positions.peek().filter((one) => one.marketId === marketId);
  words.push(held.length === 0 ? t("noPositions") : held.map((one) => t("spokenHeld", { quantity: formatQuantity(quantityOf(one.quantity)), outcome: one.outcome })).join(", "));
  words.push(t("spokenOrders", { count: desk.ownOrders.peek().length }));
  return `${words.join(". ")}.`;
}

/** The price that was traded last up to a sequence, as far as the tape is kept. */
function lastUpTo(desk: TradeDesk, seq: number): number | null {
  return desk.feed.tape.prints.find((print) => print.seq <= seq)?.price ?? null;
}
