// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { OrderView, SignedInView } from "@/api/schema";
import { NOTHING } from "@/attached/legs";
import { EMPTY_DRAFT } from "@/ticket/order";

const order = (id: string, changed: object = {}) => ({ id, status: "OPEN", filled: "0.00", remaining: "10.00", version: 1, ...changed }) as unknown as OrderView;
const BRACKET = { whose: "ann", entry: "1", outcome: "YES", quantity: "10.00", filledBefore: 0, legs: [{ id: "2", role: "takeProfit", isComing: true }, { id: "3", role: "stop", isComing: true }] } as const;
const KEY = "probity.brackets";

const isAccountLive = signal(true);
const openOrders = signal<readonly OrderView[]>([]);
vi.mock("@/feed/account", () => ({ isAccountLive, openOrders }));
const cancelTogether = vi.hoisted(() => vi.fn((orders: readonly { id: string }[]) => Promise.resolve(orders.length)));
const placeOrder = vi.hoisted(() => vi.fn());
const placePair = vi.hoisted(() => vi.fn());
const calledOff = vi.hoisted(() => ({ is: false }));
let ids = 0;
vi.mock("@/api/clientIds", () => ({ newClientId: () => `id${(ids += 1)}` }));
vi.mock("@/feed/desk", () => ({ cancelTogether, amendOrder: vi.fn(), callOffWatch: () => ({ isCalledOff: () => calledOff.is, end: () => undefined }), placeOrder, placePair }));

/** The brackets as a page that was just opened has them; `ended` is told of each order that is asked for. */
async function page(ended: (id: string) => Promise<OrderView>) {
  vi.resetModules();
  const { rest } = await import("@/api/rest");
  vi.spyOn(rest, "call").mockImplementation(((_: string, __: string, { path }: { path: { id: string } }) => ended(path.id).then((data) => ({ data }))) as never);
  const { signedIn } = await import("@/session/session");
  signedIn({ user: { id: "ann" }, accessToken: "t", expiresIn: 900 } as SignedInView);
  return import("@/attached/brackets");
}

beforeEach(() => {
  for (const mock of [cancelTogether, placeOrder, placePair]) mock.mockReset();
  cancelTogether.mockImplementation((orders) => Promise.resolve(orders.length));
  calledOff.is = false;
  vi.useRealTimers();
  localStorage.clear();
  openOrders.value = [];
});

test("the rest of an entry whose exit has traded goes, though it couldn't be asked about at first", async () => {
  let isAway = true;
  const { brackets, followBrackets } = await page((id) => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(order(id, { filled: id === "2" ? "4.00" : "0.00" }))));
  brackets.value = [BRACKET];
  openOrders.value = [order("1")];
  const stop = followBrackets();
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(cancelTogether).not.toHaveBeenCalled();
  expect(brackets.value).toEqual([BRACKET]);
  isAway = false;
  openOrders.value = [order("1", { version: 2 })];
  await vi.waitFor(() => expect(brackets.value).toEqual([]));
  expect(cancelTogether.mock.calls.map(([orders]) => orders.map((one) => one.id))).toEqual([["1"]]);
  stop();
});

test("what another page of the browser has sent isn't forgotten by this one", async () => {
  const { brackets } = await page(() => Promise.reject(new Error("away")));
  const theirs = { ...BRACKET, entry: "7" };
  localStorage.setItem(KEY, JSON.stringify([theirs]));
  dispatchEvent(new StorageEvent("storage", { key: KEY }));
  brackets.value = [...brackets.peek(), BRACKET];
  expect(JSON.parse(localStorage.getItem(KEY) ?? "[]")).toEqual([theirs, BRACKET]);
});

test("a bracket that couldn't be put right is looked at again by itself", async () => {
  vi.useFakeTimers();
  let isAway = true;
  const { brackets, followBrackets } = await page((id) => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(order(id, { filled: "4.00" }))));
  brackets.value = [BRACKET];
  openOrders.value = [order("1")];
  const stop = followBrackets();
  await vi.advanceTimersByTimeAsync(0);
  isAway = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(cancelTogether).toHaveBeenCalledTimes(1);
  expect(brackets.value).toEqual([]);
  stop();
});

describe("exits whose answer is lost", () => {
  const DRAFT = { ...EMPTY_DRAFT, price: "0.50" };
  const EXITS = { ...NOTHING, mode: "exits", takeProfit: "0.60" } as const;
  async function sent(attached: typeof EXITS & { stop?: string }) {
    vi.useFakeTimers();
    const { sendWithExits } = await page(() => Promise.reject(new Error("away")));
    const { ApiError } = await import("@/api/errors");
    const lost = new ApiError("OFFLINE", "no answer");
    placeOrder.mockResolvedValueOnce({ order: order("1") });
    return { lost, send: () => sendWithExits("7", DRAFT, attached, 100) };
  }

  test("go out again under the same id", async () => {
    const { lost, send } = await sent(EXITS);
    placeOrder.mockRejectedValueOnce(lost).mockRejectedValueOnce(lost).mockResolvedValueOnce({ order: order("2") });
    const done = send();
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await done).failure).toBeNull();
    const names = placeOrder.mock.calls.slice(1).map(([, body]) => (body as { clientOrderId: string }).clientOrderId);
    expect([names.length, new Set(names).size]).toEqual([3, 1]);
  });

  test("go out again as the pair that they are, a few times, and not once everything was cancelled", async () => {
    const { lost, send } = await sent({ ...EXITS, stop: "0.40" });
    placePair.mockRejectedValue(lost);
    const done = send();
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await done).failure).toBe(lost);
    expect(placePair).toHaveBeenCalledTimes(5);
    placeOrder.mockResolvedValueOnce({ order: order("1") });
    const again = send();
    await vi.advanceTimersByTimeAsync(500);
    calledOff.is = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await again).failure).not.toBeNull();
    expect(placePair).toHaveBeenCalledTimes(6);
  });

  test("aren't sent for who has signed in meanwhile", async () => {
    const { lost, send } = await sent(EXITS);
    const { signedIn } = await import("@/session/session");
    placeOrder.mockRejectedValue(lost);
    const done = send();
    await vi.advanceTimersByTimeAsync(500);
    expect(placeOrder).toHaveBeenCalledTimes(2);
    signedIn({ user: { id: "bob" }, accessToken: "b", expiresIn: 900 } as SignedInView);
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await done).failure).not.toBeNull();
    expect(placeOrder).toHaveBeenCalledTimes(2);
  });
});
