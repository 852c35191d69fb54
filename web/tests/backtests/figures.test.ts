import { expect, test } from "vitest";
import type { FiguresView } from "@/api/schema";
import { besideEachOther, equityOf, fallsOf } from "@/backtests/curves";
import { FIGURES, betterOf, figureText, spanText, type FigureName } from "@/backtests/figures";

const FOUND: FiguresView = {
  start: "10000.000000", end: "10123.456789", net: "123.456789", gross: "130.000000", fees: "6.543211", feesUnknown: 3, totalReturn: "0.012346", sharpe: "-1.005000", sortino: null, periods: 2,
  drawdown: "0.050000", drawdownMoney: "500.000000", drawdownSeconds: 93_780, fills: 12_345, makerFills: 5, winRate: "0.500000", profitFactor: "2.000000", turnover: "999.999999", exposure: "0.333333",
  ordered: "100.00", filled: "50.00", fillRatio: "0.500000", queueSeconds: "12.340000", brier: "0.250000", resolved: 1,
};

function written(name: FigureName, of: FiguresView = FOUND): string {
  const figure = FIGURES.find((one) => one.name === name);
  if (figure === undefined) throw new Error(name);
  return figureText(figure, of);
}

test("figures as they are read: money is cut, ratios are rounded, what has no meaning is a dash", () => {
  expect([written("net"), written("fees"), written("end"), written("turnover")]).toEqual(["+123.45", "6.54", "10\u202f123.45", "999.99"]);
  expect([written("totalReturn"), written("drawdown"), written("sharpe"), written("sortino")]).toEqual(["+1.23\u202f%", "5.00\u202f%", "\u22121.00", "–"]);
  expect([written("fills"), written("ordered"), written("brier"), written("drawdownSeconds"), written("queueSeconds")]).toEqual(["12\u202f345", "100", "0.2500", "1d 2h", "12.3\u202fs"]);
  expect(written("totalReturn", { ...FOUND, totalReturn: "-0.000001" })).toBe("0.00\u202f%");
  // What was stored before these were counted doesn't say how many they are.
  const { feesUnknown, ...stored } = FOUND;
  expect([feesUnknown, written("feesUnknown"), written("feesUnknown", stored)]).toEqual([3, "3", "–"]);
  expect([spanText(0), spanText(59), spanText(60), spanText(3_600)]).toEqual(["0\u202fs", "59\u202fs", "1m", "1h"]);
});

test("each figure says which of two is the better one, where one can be", () => {
  const other = { ...FOUND, net: "123.456788", fees: "6.543210", sortino: "1.000000", fills: 1 };
  const better = Object.fromEntries(FIGURES.map((one) => [one.name, betterOf(one, FOUND, other)]));
  expect(better).toMatchObject({ net: 0, fees: 1, sortino: null, fills: null, sharpe: null });
  expect(betterOf({ name: "sharpe", kind: "ratio", better: "more" }, FOUND, { ...FOUND, sharpe: "-1.004999" })).toBe(1);
});

test("falls are measured from the highest so far", () => {
  expect(fallsOf([100, 110, 99, 110, 121, 60.5])).toEqual([0, 0, -0.1, 0, 0, -0.5]);
  expect(fallsOf([])).toEqual([]);
  expect(fallsOf([0, 0])).toEqual([0, 0]);
});

test("two lines beside each other begin together, hold their values, and end where they end", () => {
  const first = equityOf([{ at: "2026-01-01T00:00:00.000Z", equity: "100.000000" }, { at: "2026-01-01T00:00:10.000Z", equity: "101.500000" }]);
  expect(first).toEqual({ times: [1_767_225_600, 1_767_225_610], values: [100, 101.5] });
  const second = { times: [50, 54, 64], values: [1, 2, 3] };
  expect(besideEachOther(first, second)).toEqual({ times: [0, 4, 10, 14], first: [100, 100, 101.5, null], second: [1, 2, 2, 3] });
  expect(besideEachOther({ times: [], values: [] }, second).first).toEqual([null, null, null]);
});
