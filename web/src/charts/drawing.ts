// What uPlot doesn't draw by itself: candles, volume, one's own orders and fills, and the band that says
// what a chosen size would cost beside the middle.

import type uPlot from "uplot";
import type { Candle } from "./candles";

export interface Marks {
  /** Prices of one's own open orders, of YES. */
  readonly orders: readonly { readonly price: number; readonly isBid: boolean }[];
  readonly fills: readonly { readonly time: number; readonly price: number; readonly isUp: boolean }[];
  /** What a chosen size would come to on average, sold and bought. */
  readonly band: { readonly sell: number; readonly buy: number } | null;
}
export interface Colours {
  readonly up: string;
  readonly down: string;
  readonly accent: string;
  readonly quiet: string;
}

const VOLUME_SHARE = 0.18;
const BAND_WIDTH = 0.12;

export function drawCandles(chart: uPlot, candles: readonly Candle[], colours: Colours): void {
  const { ctx } = chart;
  const [first = 0, last = candles.length - 1] = chart.series[0]?.idxs ?? [];
  const step = candles.length > 1 ? chart.valToPos(candles[1]?.time ?? 0, "x", true) - chart.valToPos(candles[0]?.time ?? 0, "x", true) : 10;
  const width = Math.max(1, Math.floor(Math.min(step * 0.7, 14 * devicePixelRatio)));
  ctx.save();
  for (let index = first; index <= last; index += 1) {
    const candle = candles[index];
    if (candle === undefined) continue;
    const x = Math.round(chart.valToPos(candle.time, "x", true));
    const y = (price: number) => Math.round(chart.valToPos(price, "y", true));
    const isUp = candle.close >= candle.open;
    ctx.fillStyle = isUp ? colours.up : colours.down;
    ctx.fillRect(x - Math.floor(devicePixelRatio / 2), y(candle.high), Math.max(1, Math.floor(devicePixelRatio)), Math.max(1, y(candle.low) - y(candle.high)));
    const top = Math.min(y(candle.open), y(candle.close));
    const height = Math.max(devicePixelRatio, Math.abs(y(candle.open) - y(candle.close)));
    ctx.fillRect(x - Math.floor(width / 2), top, width, height);
    // A rising candle is hollow: the direction is told by its form, too.
    if (isUp && width > 4 && height > 3 * devicePixelRatio) {
      ctx.clearRect(x - Math.floor(width / 2) + devicePixelRatio, top + devicePixelRatio, width - 2 * devicePixelRatio, height - 2 * devicePixelRatio);
    }
  }
  ctx.restore();
}

export function drawVolume(chart: uPlot, candles: readonly Candle[], colours: Colours): void {
  const { ctx, bbox } = chart;
  const [first = 0, last = candles.length - 1] = chart.series[0]?.idxs ?? [];
  const seen = candles.slice(first, last + 1);
  const most = Math.max(1, ...seen.map((candle) => candle.volume));
  const step = bbox.width / Math.max(1, seen.length);
  const width = Math.max(1, Math.min(step * 0.7, 14 * devicePixelRatio));
  ctx.save();
  ctx.globalAlpha = 0.28;
  for (const candle of seen) {
    const height = (candle.volume / most) * bbox.height * VOLUME_SHARE;
    ctx.fillStyle = candle.close >= candle.open ? colours.up : colours.down;
    ctx.fillRect(chart.valToPos(candle.time, "x", true) - width / 2, bbox.top + bbox.height - height, width, height);
  }
  ctx.restore();
}

export function drawMarks(chart: uPlot, marks: Marks, colours: Colours): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (marks.band !== null) {
    const top = chart.valToPos(marks.band.buy, "y", true);
    const bottom = chart.valToPos(marks.band.sell, "y", true);
    ctx.fillStyle = colours.accent;
    ctx.globalAlpha = 0.16;
    ctx.fillRect(bbox.left + bbox.width * (1 - BAND_WIDTH), top, bbox.width * BAND_WIDTH, Math.max(2, bottom - top));
    ctx.globalAlpha = 1;
  }
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  for (const order of marks.orders) {
    const y = chart.valToPos(order.price, "y", true);
    ctx.strokeStyle = order.isBid ? colours.up : colours.down;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  const size = 5 * devicePixelRatio;
  for (const fill of marks.fills) {
    const x = chart.valToPos(fill.time, "x", true);
    const y = chart.valToPos(fill.price, "y", true);
    const way = fill.isUp ? 1 : -1;
    ctx.fillStyle = colours.accent;
    ctx.beginPath();
    ctx.moveTo(x, y + way * 2 * devicePixelRatio);
    ctx.lineTo(x - size, y + way * (size + 4 * devicePixelRatio));
    ctx.lineTo(x + size, y + way * (size + 4 * devicePixelRatio));
    ctx.fill();
  }
  ctx.restore();
}
