import { afterEach, expect, test, vi } from "vitest";
import { rest } from "@/api/rest";
import { sparkOf, wantSparks } from "@/markets/sparks";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("what there is no room for in one minute is read in the next, without being asked for again", async () => {
  vi.useFakeTimers();
  const call = vi.spyOn(rest, "call").mockResolvedValue({ data: [{ price: "0.5" }, { price: "0.6" }] } as never);
  const ids = Array.from({ length: 45 }, (_, index) => `m${index}`);
  wantSparks(ids);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([call.mock.calls.length, sparkOf("m44")]).toEqual([40, null]);
  await vi.advanceTimersByTimeAsync(61_000);
  expect([call.mock.calls.length, sparkOf("m44")]).toEqual([45, [5_000, 6_000]]);
});
