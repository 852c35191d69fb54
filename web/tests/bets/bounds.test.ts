// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from "vitest";
import { betBounds, readBetBounds, stakesWithin } from "@/bets/bounds";

const CREDIT = 1_000_000n;
const QUICK = [10n * CREDIT, 25n * CREDIT, 50n * CREDIT, 100n * CREDIT];

afterEach(() => {
  betBounds.value = null;
  vi.unstubAllGlobals();
});

test("no stake is offered that can't be bet", () => {
  expect(stakesWithin(QUICK, null)).toEqual(QUICK);
  expect(stakesWithin(QUICK, { least: 20n * CREDIT, most: 60n * CREDIT })).toEqual([25n * CREDIT, 50n * CREDIT]);
  expect(stakesWithin(QUICK, { least: 500n * CREDIT, most: 900n * CREDIT })).toEqual([500n * CREDIT]);
});

test("the bounds are the exchange's, read once, and unknown where they can't be read", async () => {
  let asked = 0;
  const answers = [() => Promise.reject(new TypeError("cut off")), () => Promise.resolve(Response.json({ success: true, data: { limits: { betMin: "5.000000", betMax: "250.000000" } }, meta: {} }))];
  vi.stubGlobal("fetch", () => answers[Math.min(asked++, 1)]?.());
  await readBetBounds();
  expect(betBounds.value).toBeNull();
  await readBetBounds();
  await readBetBounds();
  expect(betBounds.value).toEqual({ least: 5n * CREDIT, most: 250n * CREDIT });
  expect(asked).toBe(2);
});
