// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { DailyStandingView } from "@/api/schema";
import { now } from "@/feed/line";
import { Daily } from "@/rewards/Daily";

const MIDNIGHT = Date.parse("2026-05-02T00:00:00Z");
const CLAIMED: DailyStandingView = { claimed: true, streak: 3, amount: "120.000000", multiplier: "1.20", availableAt: "2026-05-02T00:00:00.000Z" };
const DUE: DailyStandingView = { ...CLAIMED, claimed: false };
let place: HTMLElement;
let told: DailyStandingView;
let asked = 0;

beforeEach(() => {
  asked = 0;
  vi.stubGlobal("fetch", () => {
    asked += 1;
    return Promise.resolve(Response.json({ success: true, data: told, meta: {} }));
  });
  place = document.createElement("div");
  document.body.append(place);
});
afterEach(() => {
  render(null, place);
  place.remove();
  vi.unstubAllGlobals();
});

const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 20)));

async function at(time: number): Promise<void> {
  await act(() => void (now.value = time));
  await settled();
}

async function shownAt(first: DailyStandingView, time: number): Promise<void> {
  told = first;
  now.value = time;
  await act(() => render(<Daily />, place));
  await settled();
}

test("who waits for midnight by a clock that is ahead can claim once it is midnight at the exchange", async () => {
  await shownAt(CLAIMED, MIDNIGHT - 1_000);
  // The exchange still says that today's was claimed.
  await at(MIDNIGHT);
  expect(asked).toBe(2);
  expect(place.querySelector("[data-claim]")).toBeNull();
  told = DUE;
  await at(MIDNIGHT + 1_000);
  expect(asked).toBe(2);
  await at(MIDNIGHT + 5_000);
  expect(place.querySelector("[data-claim]")).not.toBeNull();
  await at(MIDNIGHT + 60_000);
  expect(asked).toBe(3);
});

test("a clock that is hours ahead asks no oftener than every minute", async () => {
  await shownAt(CLAIMED, MIDNIGHT + 7_200_000);
  const before = asked;
  for (let second = 1; second < 60; second += 1) await act(() => void (now.value = MIDNIGHT + 7_200_000 + 1_000 * second));
  await settled();
  expect(asked).toBe(before);
  await at(MIDNIGHT + 7_260_000);
  expect(asked).toBe(before + 1);
});

test("what wasn't claimed by midnight is offered no longer", async () => {
  await shownAt(DUE, MIDNIGHT + 3_600_000);
  told = { ...DUE, streak: 1, amount: "100.000000", multiplier: "1.00", availableAt: "2026-05-03T00:00:00.000Z" };
  await at(MIDNIGHT + 86_400_000);
  expect(place.querySelector("[data-streak]")?.getAttribute("data-streak")).toBe("0");
});
