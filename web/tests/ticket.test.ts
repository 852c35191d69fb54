import { describe, expect, test } from "vitest";
import type { BalanceView, FillView, OrderView, PositionView } from "@/api/schema";
import { forecastOf } from "@/ticket/forecast";
import { breaches, changed, measured, type Intended } from "@/ticket/guardrails";
import { EMPTY_DRAFT, bodyOf, isByCost, ladderDraft, problemsOf, settled, withOutcome, withType, type Draft } from "@/ticket/order";

const TERMS = { tick: 100, minQuantity: 100 };
const draft = (more: Partial<Draft>): Draft => settled({ ...EMPTY_DRAFT, price: "0.55", ...more });
const problems = (more: Partial<Draft>) => problemsOf(draft(more), TERMS, 0).map(({ field, text, offer }) => [field, text, offer]);

describe("what is wrong with a draft", () => {
  test.each<[Partial<Draft>, (string | null)[][]]>([
    [{}, []],
    [{ price: "0.555" }, [["price", "offTick", "0.56"]]],
    [{ price: "" }, [["price", "needsPrice", null]]],
    [{ price: "1.2" }, [["price", "offTick", "0.99"]]],
    [{ quantity: "0.5" }, [["quantity", "belowMinimum", "1"]]],
    [{ quantity: "x" }, [["quantity", "needsQuantity", "1"]]],
    [{ type: "MARKET", price: "" }, []],
    [{ type: "MARKET", byCost: true, maxCost: "" }, [["maxCost", "needsCost", null]]],
    [{ type: "STOP", side: "BUY", triggerPrice: "0.60" }, [["worstPrice", "needsWorst", null]]],
    [{ type: "STOP", side: "SELL", triggerPrice: "0.405" }, [["triggerPrice", "offTick", "0.41"]]],
    [{ timeInForce: "GTD", expiresAt: "" }, [["expiresAt", "needsExpiry", null]]],
  ])("%j", (more, expected) => expect(problems(more)).toEqual(expected));
});

describe("the order of a draft", () => {
  test("a limit", () => {
    expect(bodyOf(draft({ postOnly: true }))).toEqual({ side: "BUY", outcome: "YES", type: "LIMIT", price: "0.5500", quantity: "10.00", timeInForce: "GTC", postOnly: true });
  });
  test("a market order by cost", () => {
    expect(bodyOf(draft({ type: "MARKET", byCost: true, maxCost: "5" }))).toEqual({ side: "BUY", outcome: "YES", type: "MARKET", maxCost: "5.000000" });
  });
  test("flags that don't go with the type are left out", () => {
    expect(draft({ type: "MARKET", postOnly: true, timeInForce: "GTD" })).toMatchObject({ postOnly: false, timeInForce: "IOC" });
    expect(draft({ reduceOnly: true })).toMatchObject({ reduceOnly: false });
    expect(draft({ reduceOnly: true, timeInForce: "IOC" })).toMatchObject({ reduceOnly: true });
  });
});

test("the other outcome has the price of the same place", () => {
  expect(withOutcome(draft({}), "NO", 100)).toMatchObject({ outcome: "NO", price: "0.45" });
  expect(withOutcome(withOutcome(draft({ price: "0.555" }), "NO", 10), "YES", 10)).toMatchObject({ outcome: "YES", price: "0.555" });
  expect(withOutcome(draft({}), "YES", 100)).toMatchObject({ outcome: "YES", price: "0.55" });
  for (const price of ["", "x", "1.2", "0"]) expect(withOutcome(draft({ price }), "NO", 100)).toMatchObject({ outcome: "NO", price });
});

describe("another type", () => {
  test("a look at a market order leaves no time behind", () => {
    const looked = withType(draft({}), "MARKET");
    expect(looked).toMatchObject({ type: "MARKET", timeInForce: "IOC" });
    expect(withType(looked, "LIMIT")).toMatchObject({ type: "LIMIT", timeInForce: "GTC" });
    expect(withType(draft({ timeInForce: "FOK" }), "STOP")).toMatchObject({ timeInForce: "IOC" });
  });
  test("types that allow the same times keep what was chosen", () => {
    expect(withType(draft({ timeInForce: "GTD", expiresAt: "2030-01-01T00:00" }), "STOP_LIMIT")).toMatchObject({ timeInForce: "GTD", expiresAt: "2030-01-01T00:00" });
    expect(withType(draft({ type: "MARKET", timeInForce: "FOK" }), "STOP")).toMatchObject({ timeInForce: "FOK" });
  });
});

test("the ladder places plain limits, whatever hides in the ticket", () => {
  const hidden = { ...draft({ quantity: "7", side: "SELL", timeInForce: "FOK", selfTradePrevention: "CANCEL_BOTH" }), postOnly: true, reduceOnly: true };
  expect(bodyOf(ladderDraft(hidden, "NO", "0.40"))).toEqual({ side: "BUY", outcome: "NO", type: "LIMIT", price: "0.4000", quantity: "7.00", timeInForce: "GTC" });
  expect(isByCost(ladderDraft({ ...hidden, type: "MARKET", side: "BUY", byCost: true }, "NO", "0.40"))).toBe(false);
});

test("what comes of an order adds up", () => {
  const order = { side: "BUY", price: "0.5500", filled: "4.00", remaining: "6.00", fees: "0.020000", locked: "3.330000", status: "PARTIAL", averagePrice: "0.5400", cancelReason: null, worstPrice: null } as OrderView;
  const trades = [{ price: "0.5400", quantity: "4.00" }] as FillView[];
  const forecast = forecastOf(order, trades, { available: "90.000000" } as BalanceView);
  expect(forecast).toMatchObject({ fills: 400, rests: 600, fillsCost: 2_160_000n, pays: 5_510_000n, wins: 10_000_000n, gain: 4_490_000n, loss: 5_510_000n, locked: 3_330_000n });
  expect(forecastOf({ ...order, status: "CANCELLED" }, trades, { available: "0" } as BalanceView)).toMatchObject({ rests: 0, pays: 2_180_000n });
});

test("guardrails hold back what passes them, never what reduces", () => {
  const bounds = { order: 5, position: 10, loss: 20 };
  const measured = { pays: 5_000_001n, position: 1001, lost: 20_000_001n, isReducing: false };
  expect(breaches(bounds, measured)).toEqual(["order", "position", "loss"]);
  expect(breaches(bounds, { ...measured, pays: 5_000_000n, position: 1000, lost: 20_000_000n })).toEqual([]);
  expect(breaches(bounds, { ...measured, isReducing: true })).toEqual([]);
  expect(breaches({ order: null, position: null, loss: null }, measured)).toEqual([]);
});

test("guardrails wait for what an order pays, if any bound is set", () => {
  const measured = { pays: null, position: 0, lost: 0n, isReducing: false };
  expect(breaches({ order: null, position: 10, loss: null }, measured)).toEqual(["unknown"]);
  expect(breaches({ order: null, position: null, loss: null }, measured)).toEqual([]);
  expect(breaches({ order: 5, position: 10, loss: 20 }, { ...measured, isReducing: true })).toEqual([]);
});

describe("what an order comes to beside what one has", () => {
  const held = [{ marketId: "m1", outcome: "YES", quantity: "10.00", free: "8.00" }, { marketId: "m2", outcome: "NO", quantity: "99.00", free: "99.00" }] as PositionView[];
  const open = [
    { marketId: "m1", outcome: "YES", side: "BUY", remaining: "4.00" },
    { marketId: "m1", outcome: "YES", side: "SELL", remaining: "2.00" },
    { marketId: "m2", outcome: "YES", side: "BUY", remaining: "7.00" },
  ] as OrderView[];
  const buy: Intended = { marketId: "m1", side: "BUY", outcome: "YES", reduceOnly: false, pays: 1n, shares: 300 };
  test.each<[string, Partial<Intended>, number, boolean]>([
    ["a BUY comes on top of what is held and bid for", {}, 1_700, false],
    ["a SELL makes it smaller", { side: "SELL" }, 1_700, true],
    ["so does what says that it only reduces", { reduceOnly: true }, 1_700, true],
    ["so does a BUY of the other outcome, which is netted", { outcome: "NO", shares: 800 }, 0, true],
    ["but not beyond", { outcome: "NO", shares: 900 }, 100, false],
  ])("%s", (_, more, position, isReducing) => expect(measured({ ...buy, ...more }, held, open, 5n)).toEqual({ pays: 1n, position, lost: 5n, isReducing }));
});

test("a change that makes an order smaller passes, any other is judged as a whole", () => {
  const order = { marketId: "m1", side: "BUY", outcome: "YES", price: 5_000, remaining: 1_000 } as const;
  expect(changed(order, 5_000, 900)).toBeNull();
  expect(changed(order, 4_000, 1_000)).toBeNull();
  expect(changed(order, 6_000, 1_000)).toEqual({ marketId: "m1", side: "BUY", outcome: "YES", reduceOnly: false, pays: 6_000_000n, shares: 0 });
  expect(changed(order, 4_000, 1_100)).toMatchObject({ pays: 4_400_000n, shares: 100 });
});
