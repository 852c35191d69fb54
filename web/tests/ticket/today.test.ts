// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SignedInView } from "@/api/schema";
import { rest } from "@/api/rest";
import { now } from "@/feed/line";
import { signedIn } from "@/session/session";
import { guardMode } from "@/ticket/guardrails";
import { followToday, lostToday } from "@/ticket/today";

const as = (id: string) => signedIn({ user: { id }, accessToken: id, expiresIn: 900 } as SignedInView);
const MONDAY = Date.parse("2026-03-02T12:00:00");
const DAY_MS = 86_400_000;
let stop: () => void;
/** Answers of the exchange that are on their way, in the order in which they were asked for. */
let answers: ((equity: string) => Promise<void>)[] = [];

beforeEach(() => {
  localStorage.clear();
  answers = [];
  now.value = MONDAY;
  guardMode.value = "warn";
  vi.spyOn(rest, "call").mockImplementation((() => new Promise((resolve) => answers.push(async (equity) => {
    resolve({ data: { equity } });
    await new Promise((later) => setTimeout(later, 0));
  }))) as never);
});
afterEach(() => {
  stop();
  guardMode.value = "off";
  vi.restoreAllMocks();
});

test("an answer that comes when somebody else has signed in is no beginning of theirs", async () => {
  as("ann");
  stop = followToday();
  as("bob");
  await answers[0]?.("500.000000");
  await answers[1]?.("100.000000");
  expect(lostToday.value).toBe(0n);
  now.value = MONDAY + DAY_MS;
  await answers[2]?.("90.000000");
  expect(lostToday.value).toBe(0n);
  now.value = MONDAY;
  as("ann");
  expect(lostToday.value).toBe(0n);
});

test("a page that stays open begins anew with the day, and keeps one day of each person", async () => {
  as("ann");
  stop = followToday();
  await answers[0]?.("100.000000");
  now.value = MONDAY + 1_000;
  expect(answers).toHaveLength(1);
  now.value = MONDAY + DAY_MS;
  await answers[1]?.("70.000000");
  expect(lostToday.value).toBe(0n);
  guardMode.value = "block";
  await answers[2]?.("65.000000");
  expect(lostToday.value).toBe(5_000_000n);
  expect(Object.keys(localStorage).filter((key) => key.startsWith("probity.equity"))).toEqual(["probity.equity.ann"]);
});
