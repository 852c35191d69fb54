// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { beforeEach, expect, test, vi } from "vitest";
import type { OrderView, SignedInView } from "@/api/schema";

const order = (id: string, changed: object = {}) => ({ id, status: "OPEN", filled: "0.00", remaining: "10.00", version: 1, ...changed }) as unknown as OrderView;
const BRACKET = { whose: "ann", entry: "1", outcome: "YES", quantity: "10.00", filledBefore: 0, legs: [{ id: "2", role: "takeProfit", isComing: true }, { id: "3", role: "stop", isComing: true }] } as const;
const KEY = "probity.brackets";

const isAccountLive = signal(true);
const openOrders = signal<readonly OrderView[]>([]);
vi.mock("@/feed/account", () => ({ isAccountLive, openOrders }));
const cancelTogether = vi.hoisted(() => vi.fn((orders: readonly { id: string }[]) => Promise.resolve(orders.length)));
vi.mock("@/feed/desk", () => ({ cancelTogether, amendOrder: vi.fn(), callOffWatch: vi.fn(), placeOrder: vi.fn(), placePair: vi.fn() }));

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
  cancelTogether.mockClear();
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
