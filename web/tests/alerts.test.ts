// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { rest } from "@/api/rest";
import type { FiringView, SignedInView } from "@/api/schema";
import { bodyOf } from "@/alerts/NewAlert";
import { textOf, titleOf } from "@/alerts/words";
import { Stream, startAlerts } from "@/feed/alerts";
import { signedIn } from "@/session/session";

const { heard, told } = vi.hoisted(() => ({ heard: new Map<string, (message: object) => void>(), told: [] as string[] }));
vi.mock("@/feed/line", () => ({ line: { on: (event: string, listener: (message: object) => void) => heard.set(event, listener), onOpen: () => undefined } }));
vi.mock("@/shell/notices", () => ({ notify: (_: string, title: string) => told.push(title) }));

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
  expect(titleOf(price)).toBe("YES is at 0.71");
  expect(textOf(price)).toBe("Rain? · up");
  expect(titleOf(told("FILL", { side: "BUY", outcome: "YES", price: "0.4000", quantity: "2.00" }))).toBe("BUY YES: 2.00 filled at 0.40");
  expect(titleOf(told("RESOLUTION", { resolution: "NO" }))).toBe("Resolved: NO");
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const firing = (id: string, at: number) => ({ id, alertId: "1", kind: "CLOSE", marketId: "7", note: "", saw: {}, at: new Date(at).toISOString() });

test("what was missed is told by the exchange's clock, and asked for again where that failed", async () => {
  // This machine's clock is an hour ahead of the exchange's.
  const there = Date.now() - 3_600_000;
  const beat = (topicSeq: number) => heard.get("heartbeat")?.({ timestamp: new Date(there + 100).toISOString(), topicEpoch: 9, topics: { alerts: topicSeq } });
  const call = vi.spyOn(rest, "call").mockRejectedValue(new Error("away"));
  startAlerts();
  signedIn({ user: { id: "ann" }, accessToken: "t", expiresIn: 900 } as SignedInView);
  beat(0);
  beat(1);
  await settled();
  expect([call.mock.calls.length, told]).toEqual([1, []]);
  call.mockResolvedValue({ data: [firing("2", there + 5_000), firing("1", there - 5_000)] } as never);
  beat(1);
  await settled();
  expect(told).toEqual(["Closes soon"]);
  beat(1);
  await settled();
  expect(call).toHaveBeenCalledTimes(2);
});

test("after a long cut all that was missed is counted, the newest told one by one", async () => {
  told.length = 0;
  const there = Date.now() - 3_600_000;
  const all = Array.from({ length: 150 }, (_, index) => firing(String(1_000 - index), there + 9_000));
  const call = vi.spyOn(rest, "call").mockImplementation(((_: string, __: string, { query }: { query: { cursor?: string } }) => {
    const from = Number(query.cursor ?? 0);
    return Promise.resolve({ data: all.slice(from, from + 100), nextCursor: from + 100 < all.length ? String(from + 100) : null });
  }) as never);
  call.mockClear();
  heard.get("heartbeat")?.({ timestamp: new Date(there).toISOString(), topicEpoch: 10, topics: { alerts: 150 } });
  await settled();
  await settled();
  expect(call).toHaveBeenCalledTimes(2);
  expect(told[0]).toContain("130 more");
  expect(told.slice(1)).toEqual(Array.from({ length: 20 }, () => "Closes soon"));
});
