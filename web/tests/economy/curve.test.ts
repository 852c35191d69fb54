import { describe, expect, test } from "vitest";
import type { StockView } from "@/api/schema";
import { bearable, buying, costOf, isCovered, liquidationOf, proceedsOf, selling, shareOf, sharesBringing, sharesFor, worstPrice, type Line } from "@/stocks/curve";
import { pointsOf, seenOf, withNow } from "@/stocks/points";
import { percentText } from "@/stocks/figures";
import { cashText, parseCash } from "@/units/money";

const cash = (text: string) => parseCash(text) ?? 0n;
const shares = (text: string) => BigInt(Math.round(Number(text) * 100));
const line = (base: string, slope: string, supply: string): Line => ({ base: cash(base), slope: cash(slope), supply: shares(supply), interest: 10n, margin: 1_000n });
const NOBODY = { shares: 0n, loan: 0n };

describe("the line of docs/economy.md", () => {
  test.each([
    ["1", "0.01", "0.00", "100.00", "150.000000", "2.000000", "150.000000"],
    ["1", "0.01", "100.00", "100.00", "250.000000", "3.000000", "250.000000"],
    ["0.5", "0.002", "0.01", "0.01", "0.005001", "0.500040", "0.005000"],
  ])("base %s, slope %s, supply %s: %s shares cost %s", (base, slope, supply, bought, cost, after, brings) => {
    const at = line(base, slope, supply);
    const of = buying(at, NOBODY, shares(bought), 1);
    expect(cashText(of.total)).toBe(cost);
    expect(cashText(of.priceAfter)).toBe(after);
    expect(cashText(proceedsOf({ ...at, supply: at.supply + shares(bought) }, shares(bought)))).toBe(brings);
  });

  test("Ben's purchase with a loan, and where it is sold", () => {
    const of = buying(line("1", "0.01", "200"), NOBODY, shares("100"), 5);
    expect([of.cash, of.loan].map(cashText)).toEqual(["-70.000000", "280.000000"]);
    // Ann's sale stopped at a supply of 258.01.
    expect(cashText(of.liquidation ?? 0n)).toBe("3.580100");
    expect(cashText(of.interestADay)).toBe("0.280000");
  });
});

/** Numbers below a bound, the same ones for the same seed (mulberry32). */
function randomOf(seed: number): (below: number) => bigint {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return BigInt(Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below));
  };
}

test.each([Math.floor(Math.random() * 2 ** 31)])("an amount buys the most that it pays for, and sells the fewest that bring it (seed %s)", (seed) => {
  const random = randomOf(seed);
  for (let round = 0; round < 300; round += 1) {
    const at: Line = { base: 10_000n + random(5_000_000), slope: 1n + random(50_000), supply: random(200_000), interest: 10n, margin: 1_000n };
    const money = 1n + random(500_000_000);
    const most = sharesFor(at, money);
    expect(most === 0n || costOf(at, most) <= money).toBe(true);
    expect(costOf(at, most + 1n)).toBeGreaterThan(money);
    const least = sharesBringing(at, money);
    if (least === null) expect(proceedsOf(at, at.supply)).toBeLessThan(money);
    else {
      expect(proceedsOf(at, least)).toBeGreaterThanOrEqual(money);
      expect(least === 0n || proceedsOf(at, least - 1n) < money).toBe(true);
    }
  }
});

test("a sale pays the own loan first", () => {
  const at = line("1", "0.01", "300");
  const held = { shares: shares("100"), loan: cash("280") };
  const some = selling(at, held, shares("50"));
  expect([some.total, some.cash, some.loan].map(cashText)).toEqual(["187.500000", "0.000000", "-187.500000"]);
  const all = selling(at, held, shares("100"));
  expect([all.total, all.cash, all.loan].map(cashText)).toEqual(["350.000000", "70.000000", "-280.000000"]);
  expect(all.liquidation).toBeNull();
  expect(liquidationOf(at, NOBODY)).toBeNull();
  // Whoever has all shares there are, and a small loan, is sold by nobody's sale.
  expect(liquidationOf({ ...at, supply: shares("100") }, { shares: shares("100"), loan: cash("50") })).toBeNull();
});

test("what isn't covered alone is too much, and less is found", () => {
  // On a steep line the last shares of a purchase are far dearer than those it is sold for.
  const flat = line("1", "0.01", "0");
  expect(bearable(flat, NOBODY, shares("10"), 5)).toBe(5);
  const thick = { ...flat, margin: 4_000n };
  expect(isCovered(thick, NOBODY, buying(thick, NOBODY, shares("10"), 5))).toBe(false);
  expect(bearable(thick, NOBODY, shares("10"), 5)).toBe(3);
});

test("the worst price is never better than the one foreseen", () => {
  const at = line("0.5", "0.002", "0.01");
  const bought = buying(at, NOBODY, 1n, 1);
  expect(cashText(worstPrice(bought, true, 0))).toBe("0.500100");
  expect(cashText(worstPrice(bought, true, 100))).toBe("0.505101");
  const sold = selling({ ...at, supply: 2n }, { shares: 1n, loan: 0n }, 1n);
  expect(cashText(worstPrice(sold, false, 0))).toBe("0.500000");
  expect(cashText(worstPrice(sold, false, 500))).toBe("0.475000");
});

test("changes in percent", () => {
  expect(percentText(shareOf(50n, 1_000n) ?? 0n)).toBe("+5.00\u202f%");
  expect(percentText(shareOf(-1n, 300n) ?? 0n)).toBe("\u22120.33\u202f%");
  expect(percentText(0n)).toBe("0.00\u202f%");
  expect(shareOf(1n, 0n)).toBeNull();
});

test("what is known of a price: its beginning, each hour, one's own trades and what was seen, each moment once", () => {
  const point = (time: string, price: string) => ({ time: `2026-05-02T${time}:00.000Z`, price });
  const stock = { basePrice: "1.000000", createdAt: "2026-05-02T08:00:00.000Z", history: [point("09:00", "1.5"), point("10:00", "2")] } as unknown as StockView;
  const own = [{ ...point("09:30", "1.7"), isBuy: true }, { ...point("11:00", "9"), isBuy: true }];
  const found = pointsOf({ stock, own, seen: [point("10:00", "2"), point("09:45", "1.9")] });
  expect(found.map((one) => one.price)).toEqual(["1.000000", "1.5", "1.7", "1.9", "2"]);
  expect(pointsOf({ stock: { ...stock, createdAt: "2026-04-01T08:00:00.000Z" }, own: [], seen: [] }).map((one) => one.price)).toEqual(["1.5", "2"]);
  // A longer past that was read ends now, with what has happened since.
  const read = [point("01:00", "1"), point("08:30", "1.4")];
  expect(withNow(read, { stock: { ...stock, price: "2.5" }, own, seen: [] }).map((one) => one.price)).toEqual(["1", "1.4", "1.7", "2.5"]);
  expect(withNow([], { stock, own, seen: [] })).toEqual([]);
  expect(seenOf([], stock)).toHaveLength(1);
  expect(seenOf(seenOf([], stock), stock)).toHaveLength(1);
});
