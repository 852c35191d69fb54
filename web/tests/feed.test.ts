import { beforeEach, expect, test, vi } from "vitest";
import type { FillView, OrderView, SignedInView } from "@/api/schema";

const OPEN = { status: "OPEN", seq: 5, createdAt: "2026-01-01T00:00:00Z", clientOrderId: null };
const order = (id: string, changed: object = {}) => ({ ...OPEN, id, ...changed }) as unknown as OrderView;
const fill = (id: string, seq: number) => ({ id, orderId: `o${id}`, seq, tradeNo: seq }) as FillView;
const signedInAs = (id: string) => ({ accessToken: id, expiresIn: 900, user: { id } }) as unknown as SignedInView;

type Answer = (path: string, method: string, options: { body?: { clientOrderId?: string }; path?: object }) => unknown;

/** A page whose line and REST answer as told; who is signed in is ann, `open` makes the line anew. */
async function page() {
  vi.resetModules();
  const session = await import("@/session/session");
  const { rest } = await import("@/api/rest");
  const { line } = await import("@/feed/line");
  const { ApiError } = await import("@/api/errors");
  const account = await import("@/feed/account");
  const desk = await import("@/feed/desk");
  const orders: OrderView[] = [];
  const state = { accountSeq: 1, asOfSeq: 1, orders, fills: [] as FillView[], available: "10", isOpen: false, asked: null as null | ((event: string, payload: object) => Promise<unknown>) };
  const read: Answer = (path) => {
    const meta = { accountSeq: state.accountSeq, asOfSeq: state.asOfSeq };
    const data = path === "/user/balance" ? { available: state.available } : path === "/orders" ? [...state.orders] : path === "/user/fills" ? [...state.fills] : [];
    return { data, meta, nextCursor: null };
  };
  const answers = { rest: read };
  const call = vi.spyOn(rest, "call").mockImplementation(((method: string, path: string, options: object = {}) =>
    new Promise((resolve) => resolve(answers.rest(path, method, options)))) as never);
  const ask = vi.spyOn(line, "ask").mockImplementation((event, payload) => (state.asked === null ? Promise.reject(new ApiError("OFFLINE", "")) : state.asked(event, payload ?? {})));
  vi.spyOn(line, "isOpen", "get").mockImplementation(() => state.isOpen);
  const inside = line as unknown as { hear: (event: string, message: object) => void; openings: Set<() => void> };
  const hear = (event: string, message: object) => inside.hear(event, message);
  const open = () => {
    line.state.value = "live";
    for (const one of inside.openings) one();
  };
  session.signedIn(signedInAs("ann"));
  account.startAccount();
  const settled = () => vi.waitFor(() => expect(account.isAccountLive.value).toBe(true));
  return { ...account, ...desk, session, ApiError, state, answers, read, call, ask, hear, open, settled };
}

beforeEach(() => {
  vi.stubGlobal("navigator", {});
  vi.useRealTimers();
});

test("who signs in as somebody else begins with nothing, and is told nothing of the one before", async () => {
  const { session, state, open, settled, openOrders, balance, answers, read } = await page();
  state.orders.push(order("1"));
  open();
  await settled();
  expect(openOrders.value.map((one) => one.id)).toEqual(["1"]);
  // A reading of ann's is still on its way when bob signs in.
  let answer: (value: unknown) => void = () => undefined;
  answers.rest = (path) => (path === "/user/balance" ? new Promise((resolve) => (answer = resolve)) : read(path, "get", {}));
  open();
  const late = read("/user/balance", "get", {});
  session.signedIn(signedInAs("bob"));
  expect(openOrders.value).toEqual([]);
  expect(balance.value).toBeNull();
  state.orders.length = 0;
  state.available = "7";
  answers.rest = read;
  open();
  answer(late);
  await settled();
  expect(balance.value).toEqual({ available: "7" });
  expect(openOrders.value).toEqual([]);
});

test("an answer to an order of the one before isn't taken", async () => {
  const { session, answerTaker, openOrders } = await page();
  const take = answerTaker();
  session.signedIn(signedInAs("bob"));
  take({ order: order("1") });
  expect(openOrders.value).toEqual([]);
});

test("an order that ended doesn't come back by an older list", async () => {
  const { state, hear, open, settled, openOrders } = await page();
  state.orders.push(order("1"));
  open();
  hear("order_cancelled", { ...order("1", { status: "CANCELLED", seq: 6 }), accountSeq: 1 });
  await settled();
  expect(openOrders.value).toEqual([]);
});

test("an order placed after the list was made stays", async () => {
  const { state, hear, open, settled, openOrders } = await page();
  open();
  hear("order_placed", { ...order("2", { seq: 7 }), accountSeq: 1 });
  await settled();
  expect(openOrders.value.map((one) => one.id)).toEqual(["2"]);
  expect(state.asOfSeq).toBe(1);
});

test("fills that were heard stay on top of those read", async () => {
  const { state, hear, open, settled, fills } = await page();
  state.fills.push(fill("b", 2), fill("a", 1));
  open();
  hear("order_filled", fill("c", 3));
  await settled();
  expect(fills.value.map((one) => one.id)).toEqual(["c", "b", "a"]);
});

test("positions are read page by page, however many there are", async () => {
  const { answers, read, open, settled, positions } = await page();
  answers.rest = (path, method, options) => {
    const whole = read(path, method, options) as { data: unknown; meta: object; nextCursor: string | null };
    if (path !== "/user/positions") return whole;
    const { cursor } = (options as { query: { cursor?: string } }).query;
    const market = cursor === undefined ? "1" : String(Number(cursor) + 1);
    return { ...whole, data: [{ marketId: market, outcome: "YES", quantity: "1.00" }], nextCursor: market === "3" ? null : market };
  };
  open();
  await settled();
  expect(positions.value.map((one) => one.marketId)).toEqual(["1", "2", "3"]);
});

test("a gap found while reading is read again, until what is read holds it", async () => {
  const { state, hear, open, settled, balance, isAccountLive } = await page();
  open();
  hear("heartbeat", { accountSeq: 4, markets: [] });
  await vi.waitFor(() => expect(balance.value).not.toBeNull());
  expect(isAccountLive.value).toBe(false);
  state.accountSeq = 4;
  state.available = "9";
  await settled();
  expect(balance.value).toEqual({ available: "9" });
});

const BODY = { type: "LIMIT", side: "BUY", outcome: "YES", quantity: "1", price: "0.5" } as const;

test("a cancel whose answer is lost goes out over REST", async () => {
  const { state, answers, cancelOrder, cancelAll, call } = await page();
  state.isOpen = true;
  answers.rest = () => ({ data: { order: order("1", { status: "CANCELLED" }), cancelled: 3 } });
  await cancelOrder("1");
  expect(call).toHaveBeenLastCalledWith("delete", "/orders/{id}", { path: { id: "1" } });
  expect(await cancelAll("7")).toBe(3);
  expect(call).toHaveBeenLastCalledWith("delete", "/orders", { query: { market: "7" } });
});

test.each([["7", true], [null, true], ["8", false]])("an order without an answer when market %s is cancelled: cancelled too is %s", async (market, isCancelled) => {
  const { state, answers, placeOrder, cancelAll, ApiError } = await page();
  const seen: string[] = [];
  answers.rest = (path, method) => {
    seen.push(`${method} ${path}`);
    return { data: { order: order("1"), cancelled: 0 } };
  };
  state.isOpen = true;
  let lose: () => void = () => undefined;
  state.asked = () => new Promise((_, reject) => (lose = () => reject(new ApiError("OFFLINE", ""))));
  const placed = placeOrder("7", BODY).catch((thrown: unknown) => thrown);
  const losing = lose;
  state.asked = null;
  await cancelAll(market);
  losing();
  await placed;
  expect(seen[0]).toBe("delete /orders");
  expect(seen.slice(1)).toEqual([isCancelled ? "delete /orders/by-client-id/{clientOrderId}" : "post /orders/{id}"]);
});

test("an order over REST that was sent before everything was cancelled is cancelled when its answer comes", async () => {
  const { answers, placeOrder, cancelAll } = await page();
  const seen: string[] = [];
  let answer: () => void = () => undefined;
  answers.rest = (path, method) => {
    seen.push(`${method} ${path}`);
    return method === "post" ? new Promise((resolve) => (answer = () => resolve({ data: { order: order("1") } }))) : { data: { cancelled: 0 } };
  };
  const placed = placeOrder("7", BODY);
  await cancelAll(null);
  answer();
  await placed;
  expect(seen).toEqual(["post /orders/{id}", "delete /orders", "delete /orders/by-client-id/{clientOrderId}"]);
});

interface Sent {
  readonly orders?: readonly { readonly groupId?: string }[];
  readonly groupId?: string;
  readonly clientOrderId?: string;
  readonly requestId?: string;
}
/** What an order or a pair that goes out is: itself, or the same in a group that is named as its id is, which nobody has. */
function sentAs(event: string, payload: Sent): string {
  const groups = [payload.groupId, ...(payload.orders ?? []).map((one) => one.groupId)].filter((one) => one !== undefined);
  return groups.length === 0 ? event : `${event} in ${new Set(groups).size === 1 && groups[0] === (payload.requestId ?? payload.clientOrderId) ? "nobody's group" : String(groups)}`;
}

/** Send something, cancel everything, and lose the answer; returns what went out behind that. `refused` has the codes that each is answered with. */
async function lostAndCancelled(send: (made: Awaited<ReturnType<typeof page>>) => Promise<unknown>, refused: Record<string, readonly (string | null)[]>): Promise<string[]> {
  const made = await page();
  const { state, answers, cancelAll, ApiError } = made;
  const seen: string[] = [];
  let lose: (() => void) | null = null;
  state.isOpen = true;
  answers.rest = (path, method) => {
    seen.push(`${method} ${path}`);
    throw new ApiError("OFFLINE", "");
  };
  const times = new Map<string, number>();
  state.asked = (event, payload) => {
    if (event === "order:cancel_all") return Promise.resolve({ cancelled: 0 });
    if (lose === null) return new Promise((_, reject) => (lose = () => reject(new ApiError("OFFLINE", ""))));
    const as = sentAs(event, payload);
    seen.push(as);
    const time = times.get(as) ?? 0;
    times.set(as, time + 1);
    const code = refused[as]?.[time] ?? null;
    if (code !== null) return Promise.reject(new ApiError(code, ""));
    return Promise.resolve({ orders: [order("1"), order("2")], order: order("1"), results: [] });
  };
  const placed = send(made).catch((thrown: unknown) => thrown);
  await cancelAll(null);
  (lose as unknown as () => void)();
  expect(await placed).toBeInstanceOf(ApiError);
  await vi.advanceTimersByTimeAsync(40_000);
  return seen;
}

test.each([
  ["that is found is cancelled", { }, ["order:cancel"]],
  ["that isn't found can't come any more: its id is used up", { "order:cancel": ["ORDER_NOT_FOUND"], "order:place in nobody's group": ["GROUP_NOT_FOUND"] }, ["order:cancel", "order:place in nobody's group"]],
  ["that came in between is cancelled", { "order:cancel": ["ORDER_NOT_FOUND", null], "order:place in nobody's group": ["CONFLICT"] }, ["order:cancel", "order:place in nobody's group", "order:cancel"]],
  ["is looked for again while nobody answers", { "order:cancel": ["UNAVAILABLE", "RATE_LIMITED", null] }, ["order:cancel", "order:cancel", "order:cancel"]],
])("an order without an answer when everything is cancelled %s", async (_, refused, expected) => {
  vi.useFakeTimers();
  expect(await lostAndCancelled(({ placeOrder }) => placeOrder("7", BODY), refused)).toEqual(expected);
});

test.each([
  ["that never came can't come any more", { "order:oco in nobody's group": ["GROUP_NOT_FOUND"] }, ["order:oco in nobody's group"]],
  ["that came is asked for and cancelled", { "order:oco in nobody's group": ["CONFLICT"] }, ["order:oco in nobody's group", "order:oco", "order:batch"]],
])("a pair without an answer when everything is cancelled %s, and isn't sent over REST", async (_, refused, expected) => {
  vi.useFakeTimers();
  expect(await lostAndCancelled(({ placePair }) => placePair("7", [BODY, BODY]), refused)).toEqual(expected);
});

test("that nobody could be asked what became of an order is said in the end", async () => {
  vi.useFakeTimers();
  const made = await page();
  const notices = await import("@/shell/notices");
  const said = vi.spyOn(notices, "notify");
  made.answers.rest = () => {
    throw new made.ApiError("OFFLINE", "");
  };
  await made.placeOrder("7", BODY).catch(() => undefined);
  await made.cancelAll("8").catch(() => undefined);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).not.toHaveBeenCalled();
  await made.placeOrder("7", BODY).catch(() => undefined);
  await made.cancelAll("7").catch(() => undefined);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).toHaveBeenCalledTimes(1);
});

test("the same order is sent under the same id until there is an answer", async () => {
  const { answers, placeOrder, ApiError } = await page();
  const ids: (string | undefined)[] = [];
  let failure: Error | null = new ApiError("BROKEN_ANSWER", "", 502);
  answers.rest = (_, __, options) => {
    ids.push(options.body?.clientOrderId);
    if (failure !== null) throw failure;
    return { data: { order: order("1") } };
  };
  await expect(placeOrder("7", BODY)).rejects.toThrow();
  failure = null;
  await placeOrder("7", BODY);
  await placeOrder("7", BODY);
  failure = new ApiError("INSUFFICIENT_BALANCE", "", 422);
  await expect(placeOrder("7", BODY)).rejects.toThrow();
  failure = null;
  await placeOrder("7", BODY);
  expect(ids[1]).toBe(ids[0]);
  expect(new Set(ids).size).toBe(4);
});

test.each([
  ["goes out again, of the same version", null, "0.4000", null],
  ["is known to have been taken by what the order is", "VERSION_CHANGED", "0.4000", null],
  ["is known to have been taken by an order that it filled", "ORDER_NOT_OPEN", "0.4000", null],
  ["is refused where the order ended before it", "ORDER_NOT_OPEN", "0.3000", "ORDER_NOT_OPEN"],
  ["is refused where somebody else changed the order", "VERSION_CHANGED", "0.3000", "VERSION_CHANGED"],
])("a change whose answer is lost %s", async (_, refusal, found, thrown) => {
  const { state, answers, amendOrder, ApiError } = await page();
  const sent: unknown[] = [];
  state.isOpen = true;
  answers.rest = (__, method, options) => {
    if (method === "get") return { data: order("1", { price: found, version: 3 }) };
    sent.push(options.body);
    if (refusal !== null) throw new ApiError(refusal, "", 422);
    return { data: { order: order("1", { price: "0.4000", version: 3 }) } };
  };
  const change = { price: "0.4", expectedVersion: 2 };
  const amended = await amendOrder("1", change).then((one) => one.version, (error: unknown) => error instanceof ApiError && error.code);
  expect(amended).toBe(thrown ?? 3);
  expect(sent).toEqual([change]);
});

test("an order whose answer is lost as somebody else signs in doesn't go out for them", async () => {
  const { session, state, answers, placeOrder, ApiError } = await page();
  const seen: string[] = [];
  answers.rest = (path, method) => {
    if (method === "post") seen.push(path);
    return { data: { order: order("1") } };
  };
  state.isOpen = true;
  state.asked = () => {
    session.signedIn(signedInAs("bob"));
    return Promise.reject(new ApiError("OFFLINE", ""));
  };
  await expect(placeOrder("7", BODY)).rejects.toMatchObject({ code: "OFFLINE" });
  expect(seen).toEqual([]);
});
