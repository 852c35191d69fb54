import { expect, test } from "vitest";
import type { FiringView } from "@/api/schema";
import { bodyOf } from "@/alerts/NewAlert";
import { textOf, titleOf } from "@/alerts/words";
import { Stream } from "@/feed/alerts";

const WRITTEN = { kind: "PRICE_ABOVE", market: " rain ", outcome: "NO", price: "0,6", volume: "5", minutes: "60", order: "7", note: " up ", pause: "", webhook: "" } as const;

test("only what goes with the kind is sent", () => {
  expect(bodyOf(WRITTEN)).toEqual({ kind: "PRICE_ABOVE", marketId: "rain", outcome: "NO", price: "0.6", note: "up" });
  expect(bodyOf({ ...WRITTEN, kind: "VOLUME_ABOVE", pause: "60" })).toEqual({ kind: "VOLUME_ABOVE", marketId: "rain", volume: "5", note: "up", pauseSeconds: 60 });
  expect(bodyOf({ ...WRITTEN, kind: "CLOSE", webhook: "3" })).toEqual({ kind: "CLOSE", marketId: "rain", minutes: 60, note: "up", webhookId: "3" });
  expect(bodyOf({ ...WRITTEN, kind: "RESOLUTION", pause: "60" })).toEqual({ kind: "RESOLUTION", marketId: "rain", note: "up" });
  expect(bodyOf({ ...WRITTEN, kind: "FILL", market: "" })).toEqual({ kind: "FILL", orderId: "7", note: "up" });
});

test("a stream says when something of it is missing", () => {
  const stream = new Stream();
  expect(stream.took(9, 1)).toBe(false);
  expect(stream.took(9, 2)).toBe(false);
  expect(stream.beat(9, 2)).toBe(false);
  expect(stream.beat(9, 3)).toBe(true);
  expect(stream.beat(9, 3)).toBe(false);
  expect(stream.took(9, 5)).toBe(true);
  expect(stream.beat(10, 1)).toBe(true);
  expect(stream.beat(undefined, undefined)).toBe(false);
  expect(new Stream().beat(9, 4)).toBe(true);
});

test("what was told in words", () => {
  const firing = { id: "1", alertId: "1", marketId: "7", note: "up", at: "2026-01-31T12:00:00.000Z" } as const;
  const told = (kind: FiringView["kind"], saw: FiringView["saw"]): FiringView => ({ ...firing, kind, saw });
  const price = told("PRICE_ABOVE", { question: "Rain?", outcome: "YES", price: "0.7100" });
  expect(titleOf(price)).toBe("YES is at 0.7100");
  expect(textOf(price)).toBe("Rain? · up");
  expect(titleOf(told("FILL", { side: "BUY", outcome: "YES", price: "0.4000", quantity: "2.00" }))).toBe("BUY YES: 2.00 filled at 0.4000");
  expect(titleOf(told("RESOLUTION", { resolution: "NO" }))).toBe("Resolved: NO");
});
