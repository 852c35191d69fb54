import { expect, test } from "vitest";
import type { CandleView } from "@/api/schema";
import { candlesOf, withPrint } from "@/charts/candles";
import { cumulated, spanOf } from "@/charts/depth";

const NONE = { open: null, high: null, low: null, close: null };
const view = (time: string, more: Partial<CandleView> = {}) => ({ time, ...NONE, volume: null, turnover: null, trades: null, bid: NONE, ask: NONE, openInterest: null, ...more });

test("what has no trade carries the close before it", () => {
  const candles = candlesOf([
    view("2026-01-01T00:00:00Z"),
    view("2026-01-01T00:01:00Z", { open: "0.4", high: "0.6", low: "0.3", close: "0.5", volume: "10.00" }),
    view("2026-01-01T00:02:00Z"),
  ]);
  expect(candles).toEqual([
    { time: 1_767_225_660, open: 4000, high: 6000, low: 3000, close: 5000, volume: 1000 },
    { time: 1_767_225_720, open: 5000, high: 5000, low: 5000, close: 5000, volume: 0 },
  ]);
});

test("a trade changes the last candle or begins one", () => {
  const print = (seconds: number, price: number) => ({ id: "1", tradeNo: 1, price, quantity: 100, isUp: true, at: seconds * 1_000, seq: 1 });
  let candles = withPrint([], print(65, 5000), "1m");
  candles = withPrint(candles, print(70, 5200), "1m");
  candles = withPrint(candles, print(130, 5100), "1m");
  candles = withPrint(candles, print(10, 1), "1m");
  expect(candles).toEqual([
    { time: 60, open: 5000, high: 5200, low: 5000, close: 5200, volume: 200 },
    { time: 120, open: 5100, high: 5200, low: 5100, close: 5100, volume: 100 },
  ]);
});

test("depth is summed from the best price on, and shown as wide on both sides", () => {
  expect(cumulated([[5500, 100], [5400, 50]])).toEqual([{ price: 5500, sum: 100 }, { price: 5400, sum: 150 }]);
  expect(spanOf(5400, 5600)).toEqual([2500, 8500]);
  expect(spanOf(200, 400)).toEqual([0, 1300]);
  expect(spanOf(null, null)).toEqual([0, 10_000]);
});
