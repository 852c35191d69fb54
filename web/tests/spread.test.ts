import { expect, test } from "vitest";
import { perSecond, quantileOf, since } from "@/admin/spread";
import type { EngineView } from "@/api/schema";

const spread = (count: number, sum: number, ...counts: number[]) => ({
  count,
  sum,
  buckets: [0.001, 0.01, 0.1, null].map((upTo, index) => ({ upTo, count: counts[index] ?? count })),
});

test("what is shown is of the time between two looks", () => {
  const between = since(spread(10, 1, 10, 10, 10), spread(20, 3, 15, 19, 20));
  expect(between).toEqual(spread(10, 2, 5, 9, 10));
  expect(quantileOf(between, 0.5)).toBe(0.001);
  expect(quantileOf(between, 0.9)).toBe(0.01);
  expect(quantileOf(between, 0.99)).toBe(0.1);
});

test("of nothing there is no quantile, and beyond the last bound there is none", () => {
  expect(quantileOf(spread(0, 0, 0, 0, 0), 0.5)).toBeNull();
  expect(quantileOf(spread(2, 9, 0, 0, 0), 0.5)).toBe(Infinity);
});

test("a rate needs two looks", () => {
  const look = (time: string, seq: number) => ({ time, seq }) as EngineView;
  const first = look("2026-01-01T00:00:00.000Z", 5);
  expect(perSecond(first, first, "seq")).toBeNull();
  expect(perSecond(first, look("2026-01-01T00:00:02.000Z", 25), "seq")).toBe(10);
});
