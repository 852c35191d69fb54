// Candles as the chart draws them, and how a trade that has just happened changes the last one.
//
// Laws: pure; times in seconds, prices and volumes as whole numbers until they are drawn. An interval
// without a trade carries the close before it, with no volume.

import type { CandleView } from "@/api/schema";
import type { Print } from "@/book/tape";
import { priceOf, quantityOf } from "@/units/money";

export const INTERVALS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400 } as const;
export type Interval = keyof typeof INTERVALS;

export interface Candle {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** What the exchange answered; what has no price yet is left out. */
export function candlesOf(views: readonly CandleView[]): Candle[] {
  const candles: Candle[] = [];
  for (const view of views) {
    const close = priceOf(view.close) ?? candles.at(-1)?.close;
    if (close === undefined) continue;
    const open = priceOf(view.open) ?? close;
    candles.push({
      time: Math.floor(Date.parse(view.time) / 1_000),
      open,
      close,
      high: priceOf(view.high) ?? Math.max(open, close),
      low: priceOf(view.low) ?? Math.min(open, close),
      volume: quantityOf(view.volume),
    });
  }
  return candles;
}

/** The candles with a trade put in; those of before the last candle are in it already. */
export function withPrint(candles: readonly Candle[], print: Print, interval: Interval): readonly Candle[] {
  const seconds = INTERVALS[interval];
  const time = Math.floor(print.at / 1_000 / seconds) * seconds;
  const last = candles.at(-1);
  if (last !== undefined && time < last.time) return candles;
  if (last?.time !== time) {
    const open = last?.close ?? print.price;
    return [...candles, { time, open: print.price, close: print.price, high: Math.max(open, print.price), low: Math.min(open, print.price), volume: print.quantity }];
  }
  const next = {
    ...last,
    high: Math.max(last.high, print.price),
    low: Math.min(last.low, print.price),
    close: print.price,
    volume: last.volume + print.quantity,
  };
  return [...candles.slice(0, -1), next];
}
