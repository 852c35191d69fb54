// @vitest-environment happy-dom
import type { Signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import type { OrderGroupView, OrderView, SignedInView } from "@/api/schema";
import { rest } from "@/api/rest";
import GroupBars from "@/attached/GroupBars";
import { signedIn } from "@/session/session";

const openOrders = vi.hoisted((): { current: unknown } => ({ current: null }));
vi.mock("@/feed/account", async () => {
  const made = (await import("@preact/signals")).signal<readonly OrderView[]>([]);
  openOrders.current = made;
  return { openOrders: made, fills: (await import("@preact/signals")).signal([]) };
});

const GROUP = { groupId: "few", status: "TRIGGERED", filled: "5.00", maxFilled: "5.00", maxNet: null, net: "0.00", windowSeconds: 10, openOrders: 0 } as unknown as OrderGroupView;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("orders that change all the time have their groups read now and then, and shown all the while", async () => {
  vi.useFakeTimers();
  const call = vi.spyOn(rest, "call").mockImplementation((() => Promise.resolve({ data: [GROUP] })) as never);
  signedIn({ user: { id: "ann" }, accessToken: "t", expiresIn: 900 } as SignedInView);
  const orders = openOrders.current as Signal<readonly OrderView[]>;
  const place = document.createElement("div");
  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms) as unknown as Promise<void>);
  await act(() => render(<GroupBars orders={[]} />, place));
  await pass(1);
  expect(place.querySelector("[data-group=few]")).not.toBeNull();
  for (let seq = 1; seq <= 50; seq += 1) {
    await act(() => void (orders.value = [{ id: "1", seq } as OrderView]));
    expect(place.querySelector("[data-group=few]")).not.toBeNull();
  }
  expect(call).toHaveBeenCalledTimes(1);
  await pass(1_000);
  expect(call).toHaveBeenCalledTimes(2);
  render(null, place);
});
