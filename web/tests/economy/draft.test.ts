import { describe, expect, test } from "vitest";
import type { StockPositionView } from "@/api/schema";
import { buying, NOTHING_HELD, type Line } from "@/stocks/curve";
import { bodyOf, judged, partOf, type Draft } from "@/stocks/draft";
import { roomOf, sumsOf } from "@/stocks/Holdings";
import { parseCash } from "@/units/money";

const LINE: Line = { base: 1_000_000n, slope: 10_000n, supply: 20_000n, interest: 10n, margin: 1_000n };
const HELD = { shares: 5_000n, loan: 0n };
const DRAFT: Draft = { side: "BUY", unit: "shares", typed: "", leverage: 1, tolerance: "100" };
const draft = (change: Partial<Draft>): Draft => ({ ...DRAFT, ...change });
const cash = (text: string) => parseCash(text);

describe("what keeps an order from being sent, with the nearest that doesn't", () => {
  const said = (change: Partial<Draft>, held = HELD, available = "1000") => judged(draft(change), LINE, held, cash(available));
  test("nothing typed is no problem", () => {
    expect(said({})).toEqual({ foreseen: null, problem: null, nearest: null });
  });
  test("no number, and too many decimals", () => {
    expect(said({ typed: "abc" })).toMatchObject({ problem: expect.stringContaining("two decimals") as string, nearest: null });
    expect(said({ typed: "1.239" }).nearest?.change).toEqual({ unit: "shares", typed: "1.23" });
    expect(said({ typed: "0" }).problem).toContain("more than 0");
    expect(said({ unit: "amount", typed: "-5" }).problem).toContain("Credits");
  });
  test("more than one's cash pays for", () => {
    const many = said({ typed: "1000" });
    expect(many.problem).toBe("You have 1\u202f000.00");
    expect(many.nearest?.change.unit).toBe("shares");
    expect(said(many.nearest?.change ?? {})).toMatchObject({ problem: null });
    const amount = said({ unit: "amount", typed: "1500" });
    expect(amount.nearest?.change).toEqual({ unit: "amount", typed: "1000" });
    expect(said({ unit: "amount", typed: "1500", leverage: 2 }).problem).not.toBeNull();
  });
  test("more than one holds", () => {
    expect(said({ side: "SELL", typed: "80" }).nearest?.change).toEqual({ unit: "shares", typed: "50" });
    expect(said({ side: "SELL", typed: "50" })).toMatchObject({ problem: null });
    expect(said({ side: "SELL", unit: "amount", typed: "999" }).nearest?.change).toEqual({ unit: "amount", typed: "137.5" });
    expect(said({ side: "SELL", typed: "1" }, NOTHING_HELD).problem).toBe("You hold none of it");
  });
  test("an amount for no share", () => {
    expect(said({ unit: "amount", typed: "0.000001" }).nearest?.change).toEqual({ unit: "amount", typed: "0.030001" });
  });
  test("more leverage than is borne", () => {
    const found = judged(draft({ typed: "10", leverage: 5 }), { ...LINE, margin: 4_000n }, NOTHING_HELD, cash("1000"));
    expect(found.problem).toContain("5×");
    expect(found.nearest?.change).toEqual({ leverage: 3 });
  });
});

test("a part of what one has", () => {
  expect(partOf(draft({ side: "SELL" }), 50, LINE, HELD, null)).toBe("25");
  expect(partOf(draft({ unit: "amount" }), 25, LINE, HELD, cash("1000.5"))).toBe("250.125");
  const all = partOf(draft({ leverage: 2 }), 100, LINE, NOTHING_HELD, cash("100"));
  expect(judged(draft({ typed: all, leverage: 2 }), LINE, NOTHING_HELD, cash("100")).problem).toBeNull();
});

test("what is sent: as it was typed, with the worst price", () => {
  const of = buying(LINE, NOTHING_HELD, 1_000n, 2);
  expect(bodyOf("ORCA", draft({ typed: "10,0", leverage: 2 }), of)).toEqual({ symbol: "ORCA", shares: "10.0", leverage: 2, maxPrice: "3.080500" });
  expect(bodyOf("ORCA", draft({ side: "SELL", unit: "amount", typed: "30", tolerance: "0" }), of)).toEqual({ symbol: "ORCA", amount: "30", minPrice: "3.050000" });
});

test("sums are exact, and room is told of the price", () => {
  const one = { value: "9007199254740993.000001", loan: "1.5", equity: "2", unrealizedPnl: "-0.000001", realizedPnl: "0" } as StockPositionView;
  expect(sumsOf([one, one])).toMatchObject({ value: "18014398509481986.000002", loan: "3.000000", unrealizedPnl: "-0.000002" });
  expect(roomOf(4_000_000n, 3_580_000n)).toBe(1_050n);
});
