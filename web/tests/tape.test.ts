import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { OrderView } from "@/api/schema";
import { line } from "@/feed/line";
import { MarketFeed } from "@/feed/marketFeed";
import { readCandles } from "@/charts/PriceChart";
import type { Candle } from "@/charts/candles";
import { followQueue } from "@/trade/queue";

const inside = line as unknown as { hear: (event: string, message: object) => void; openings: Set<() => void> };
const trade = (id: number, changed: object = {}) => ({ id: String(id), tradeNo: id, seq: id * 10, yesPrice: "0.5", quantity: "1", side: "BUY", outcome: "YES", createdAt: "2026-01-01T00:00:00Z", marketId: "7", ...changed });
const settled = () => new Promise((resolve) => setTimeout(resolve));

let asked: unknown[];
let read: object[];

beforeEach(() => {
  asked = [];
  read = [];
  vi.spyOn(rest, "call").mockImplementation(((_: string, path: string, options: { query?: { afterSeq?: number }; path: { id?: string } }) => {
    asked.push(path === "/orders/{id}" ? options.path.id : (options.query?.afterSeq ?? null));
    return Promise.resolve({ data: path === "/orders/{id}" ? { queuePosition: { quantity: "3" } } : read });
  }) as never);
});
afterEach(() => {
  inside.openings.clear();
  vi.restoreAllMocks();
});

async function feedOf(market: string): Promise<MarketFeed> {
  vi.spyOn(line, "ask").mockResolvedValue({ marketId: market, epoch: 1, seq: 1, tradeNo: 2 });
  const feed = new MarketFeed(market);
  for (const open of inside.openings) open();
  await settled();
  return feed;
}

test("a tape begins anew in another epoch", async () => {
  read = [trade(2), trade(1)];
  const feed = await feedOf("7");
  read = [trade(1, { id: "new" })];
  inside.hear("heartbeat", { epoch: 2, markets: [{ marketId: "7", seq: 1, tradeNo: 1 }] });
  await settled();
  expect(feed.tape.prints.map((one) => one.id)).toEqual(["new"]);
  expect(asked).toEqual([null, null]);
  feed.close();
});

test("trades that are missing are asked for by number, another venue's are not", async () => {
  read = [trade(2), trade(1)];
  const feed = await feedOf("7");
  inside.hear("heartbeat", { epoch: 1, markets: [{ marketId: "7", seq: 1, tradeNo: 5 }] });
  expect(asked).toEqual([null, 19]);
  feed.close();
  asked = [];
  read = [trade(2, { tradeNo: null, seq: null })];
  const elsewhere = await feedOf("kalshi:RAIN");
  for (let beat = 0; beat < 3; beat += 1) inside.hear("heartbeat", { epoch: 1, markets: [{ marketId: "kalshi:RAIN", seq: 1, tradeNo: 5 }] });
  await settled();
  expect(asked).toEqual([null]);
  expect(elsewhere.tape.prints.length).toBe(1);
  elsewhere.close();
});

test("what stands before one's orders is asked for when the orders are others, once at a time", async () => {
  vi.stubGlobal("document", { visibilityState: "visible" });
  const order = (id: string, filled = "0") => ({ id, price: "0.5", status: "OPEN", filled }) as unknown as OrderView;
  const orders = signal([order("a"), order("b")]);
  const { queue, stop } = followQueue(orders);
  orders.value = [order("a", "1"), order("b")];
  await settled();
  expect(asked).toEqual(["a", "b"]);
  expect([...queue.value]).toEqual([["a", "+3"], ["b", "+3"]]);
  // Two changes while a reading is under way are one more reading.
  orders.value = [order("c")];
  orders.value = [order("d")];
  orders.value = [order("e")];
  await settled();
  expect(asked).toEqual(["a", "b", "c", "e"]);
  stop();
  vi.unstubAllGlobals();
});

test("candles have the trades that came late: they are read anew, and stay meanwhile", async () => {
  read = [trade(2), trade(1)];
  const feed = await feedOf("7");
  let volume = 2;
  let reads = 0;
  vi.spyOn(rest, "call").mockImplementation(((_: string, path: string) => {
    if (path !== "/markets/{slug}/candles") return Promise.resolve({ data: read });
    reads += 1;
    return Promise.resolve({ data: [{ time: "2026-01-01T00:00:00Z", open: "0.5", high: "0.5", low: "0.5", close: "0.5", volume: String(volume) }] });
  }) as never);
  const candles = signal<readonly Candle[] | null>(null);
  const stop = readCandles("7", feed, "1m", candles, signal(false));
  await settled();
  // The newest is heard before the two that were missed are read.
  inside.hear("trade_executed", { ...trade(5), epoch: 1 });
  expect(candles.value?.[0]?.volume).toBe(300);
  read = [trade(3), trade(4)];
  volume = 5;
  inside.hear("heartbeat", { epoch: 1, markets: [{ marketId: "7", seq: 1, tradeNo: 5 }] });
  await settled();
  expect([candles.value?.[0]?.volume, reads]).toEqual([500, 2]);
  stop();
  feed.close();
});
