// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ListedMarketView } from "@/api/schema";
import { line } from "@/feed/line";
import type { BookMessage } from "@/feed/messages";
import { listenToKeys } from "@/trade/keys";
import { spokenOf } from "@/trade/spoken";
import { TradeDesk } from "@/trade/tradeDesk";

const MARKET = { id: "m1", platform: "exchange", tickSize: "0.0100", minQuantity: "1.00", lastPrice: null } as ListedMarketView;
const BOOK: BookMessage = { marketId: "m1", outcome: "YES", bids: [["0.5000", "5.00"]], asks: [["0.5400", "5.00"]], checksum: 0, epoch: 1, seq: 1, prevSeq: null, kind: "snapshot" };

const made: TradeDesk[] = [];
function desk(more: Partial<ListedMarketView> = {}): TradeDesk {
  const one = new TradeDesk(signal({ ...MARKET, ...more }));
  made.push(one);
  return one;
}
const hear = (one: TradeDesk) => (one.feed as unknown as { takeBook: (message: BookMessage) => void }).takeBook(BOOK);
function beLive(one: TradeDesk): void {
  line.state.value = "live";
  one.feed.trust.value = { ...one.feed.trust.peek(), phase: "live" };
}

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  vi.stubGlobal("requestAnimationFrame", (paint: () => void) => (paint(), 1));
});
afterEach(() => {
  for (const one of made.splice(0)) one.close();
  line.state.value = "connecting";
  vi.unstubAllGlobals();
});

test("the first book gives an untouched ticket its price, and nothing else", () => {
  const one = desk();
  const before = one.draft.peek();
  hear(one);
  expect(one.draft.peek()).toEqual({ ...before, price: "0.54" });
});

test("the first book leaves a ticket alone that somebody has begun to fill", () => {
  const one = desk();
  const filled = { ...one.draft.peek(), type: "MARKET", outcome: "NO", quantity: "25" } as const;
  one.draft.value = filled;
  hear(one);
  expect(one.draft.peek()).toBe(filled);
});

test("a price of the ladder makes a limit that rests of a market order", () => {
  const one = desk();
  one.draft.value = { ...one.draft.peek(), type: "MARKET", timeInForce: "IOC" };
  one.pick(4_200, "NO");
  expect(one.draft.peek()).toMatchObject({ type: "LIMIT", timeInForce: "GTC", outcome: "NO", price: "0.58" });
});

test("only a market of ours that is up to date can be armed, by whatever hand", () => {
  const one = desk();
  one.toggleArmed();
  expect(one.isArmed.peek()).toBe(false);
  beLive(one);
  one.toggleArmed();
  expect(one.isArmed.peek()).toBe(true);
  line.state.value = "down";
  expect(one.isArmed.peek()).toBe(false);
  const venue = desk({ platform: "kalshi" });
  beLive(venue);
  venue.toggleArmed();
  expect([venue.isOurs, venue.isArmed.peek()]).toEqual([false, false]);
});

test("a key that is held acts once", () => {
  const arm = vi.fn();
  const nothing = () => undefined;
  const stop = listenToKeys({ cancelHere: nothing, cancelEverywhere: nothing, centre: nothing, arm, outcome: nothing, side: nothing, speak: nothing, focus: nothing });
  dispatchEvent(new KeyboardEvent("keydown", { code: "KeyA" }));
  for (let times = 0; times < 3; times += 1) dispatchEvent(new KeyboardEvent("keydown", { code: "KeyA", repeat: true }));
  stop();
  expect(arm).toHaveBeenCalledTimes(1);
});

test("what is spoken has the best prices, what is between them, and what is one's own", () => {
  const one = desk();
  expect(spokenOf(one, "m1", 100)).toContain("Bid none, ask none");
  hear(one);
  beLive(one);
  expect(spokenOf(one, "m1", 100)).toBe("Bid 0.50, ask 0.54. spread 0.04. No positions. open orders here: 0.");
  one.togglePast();
  expect(spokenOf(one, "m1", 100)).toMatch(/^The book at a past moment\. Bid none/);
});

test("while the past is shown nothing is armed and nothing sent", async () => {
  const sent = vi.fn(() => Promise.reject(new TypeError("no network")));
  const one = desk();
  hear(one);
  beLive(one);
  one.toggleArmed();
  expect(one.isArmed.value).toBe(true);
  one.togglePast();
  expect(one.isArmed.value).toBe(false);
  one.toggleArmed();
  expect(one.isArmed.value).toBe(false);
  vi.stubGlobal("fetch", sent);
  await one.send();
  expect(sent).not.toHaveBeenCalled();
  one.togglePast();
  one.toggleArmed();
  expect(one.isArmed.value).toBe(true);
});

test("the past ends with the book that is shown, be it newer than what was last told of the feed", () => {
  const one = desk();
  hear(one);
  beLive(one);
  const takeBook = (seq: number) => (one.feed as unknown as { takeBook: (message: BookMessage) => void }).takeBook({ ...BOOK, seq, prevSeq: seq - 1, kind: "delta" });
  takeBook(2);
  takeBook(3);
  expect(one.feed.trust.peek().seq).toBeLessThan(3);
  one.togglePast();
  expect(one.past.peek()?.newest).toBe(3);
});

test("what is spoken of a past moment has the last price of then", () => {
  const one = desk({ lastPrice: "0.6000" });
  hear(one);
  beLive(one);
  const print = { quantity: 100, isUp: true, at: 0 };
  one.feed.tape.add([{ ...print, id: "1", tradeNo: 1, price: 4_400, seq: 3 }, { ...print, id: "2", tradeNo: 2, price: 6_000, seq: 8 }]);
  expect(spokenOf(one, "m1", 100)).toContain("last 0.60");
  one.togglePast();
  const past = one.past.peek();
  if (past !== null) past.shown.value = { seq: 5, at: "2026-01-01T00:00:00.000Z", isSumRight: true };
  expect(spokenOf(one, "m1", 100)).toContain("last 0.44");
  if (past !== null) past.shown.value = { seq: 2, at: "2026-01-01T00:00:00.000Z", isSumRight: true };
  expect(spokenOf(one, "m1", 100)).not.toContain("last");
});
