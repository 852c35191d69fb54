// Sending orders: over the line, which is quickest, else over REST; and how long the answer took.
//
// Laws: each order has a client id, so that one whose answer was lost can be sent again without being
// placed twice; the same order sent again soon after has the same id, until it is known what became of
// it. A change whose answer was lost is sent again with the version it was made of, which is refused if the
// first came through. Cancels go out at once, whatever else waits, by the other way if the first says nothing;
// what was sent before everything was cancelled isn't sent again but cancelled too (`calling`).

import { signal } from "@preact/signals";
import { newClientId } from "@/api/clientIds";
import { ApiError, asApiError, isUnknown } from "@/api/errors";
import { rest, type DataOf } from "@/api/rest";
import type { AmendBody, OrderBody, OrderView } from "@/api/schema";
import { user } from "@/session/session";
import { play } from "@/shell/sounds";
import { priceOf, quantityOf } from "@/units/money";
import { answerTaker, hasHeardOf } from "./account";
import { callOff, type Lost } from "./calling";
import { line } from "./line";

export type Placed = DataOf<"/orders/{id}", "post">;
export type Amended = DataOf<"/orders/{id}", "patch">;
export type Cancelled = DataOf<"/orders/{id}", "delete">;

/** How long the same order sent again is taken to be meant as a repeat. */
const REUSED_MS = 60_000;
const UNKNOWN_KEPT = 50;

/** From the click to the exchange's word, in milliseconds; null before the first. */
export const lastAckMs = signal<number | null>(null);

async function timed<T>(send: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const answer = await send().catch((thrown: unknown) => {
    play("refusal");
    throw thrown;
  });
  lastAckMs.value = performance.now() - begun;
  return answer;
}

/**
 * Ask over the line; over REST if it is down or its answer is lost, unless somebody else has signed in meanwhile: the line of
 * the one before goes down then. Only for what may be done twice.
 */
async function eitherWay<T>(overLine: () => Promise<unknown>, overRest: () => Promise<T>): Promise<T> {
  if (!line.isOpen) return overRest();
  const whose = user.peek()?.id;
  try {
    return (await overLine()) as T;
  } catch (thrown) {
    const error = asApiError(thrown);
    if (!isUnknown(error) || user.peek()?.id !== whose) throw error;
    return overRest();
  }
}

interface UnderWay {
  readonly market: string;
  /** Whether everything was cancelled since it was sent. */
  isCalledOff: boolean;
}
const underWay = new Set<UnderWay>();

interface Unknown {
  readonly id: string;
  readonly market: string;
  readonly at: number;
  readonly lost: Lost;
}
/** The client ids of orders nobody knows the end of, by what was sent; and when that was. */
const unknownIds = new Map<string, Unknown>();

function takeUnknownId(sent: string): string | null {
  const known = unknownIds.get(sent);
  unknownIds.delete(sent);
  if (known === undefined || Date.now() - known.at > REUSED_MS || hasHeardOf(known.id)) return null;
  return known.id;
}

function keepUnknownId(sent: string, market: string, id: string, lost: Lost): void {
  unknownIds.set(sent, { id, market, at: Date.now(), lost });
  for (const oldest of unknownIds.keys()) {
    if (unknownIds.size <= UNKNOWN_KEPT) break;
    unknownIds.delete(oldest);
  }
}

export async function placeOrder(market: string, order: OrderBody): Promise<Placed> {
  const sent = JSON.stringify([market, order]);
  const clientOrderId = order.clientOrderId ?? takeUnknownId(sent) ?? newClientId();
  const body = { ...order, clientOrderId };
  const mine: UnderWay = { market, isCalledOff: false };
  const isCalledOff = () => mine.isCalledOff;
  const take = answerTaker();
  underWay.add(mine);
  const lost = {
    cancel: () => cancelByClientId(clientOrderId),
    useUp: () => eitherWay(() => line.ask("order:place", { market, ...body, groupId: clientOrderId }), () => rest.call("post", "/orders/{id}", { path: { id: market }, body: { ...body, groupId: clientOrderId } })),
  };
  try {
    const placed = await timed(() =>
      eitherWay<Placed>(
        () => line.ask("order:place", { market, ...body }),
        async () => {
          if (isCalledOff()) throw new ApiError("UNKNOWN_OUTCOME", "Everything was cancelled before the order was answered");
          const { data } = await rest.call("post", "/orders/{id}", { path: { id: market }, body });
          // Over REST it may have come after the cancel that was sent after it.
          if (isCalledOff()) await callOff(lost);
          return data;
        },
      ),
    );
    take(placed);
    return placed;
  } catch (thrown) {
    if (isUnknown(asApiError(thrown))) {
      if (isCalledOff()) await callOff(lost);
      else keepUnknownId(sent, market, clientOrderId, lost);
    }
    throw thrown;
  } finally {
    underWay.delete(mine);
  }
}

/** Say from now on whether everything in a market was cancelled since; `end` when it doesn't matter any more. */
export function callOffWatch(market: string): { readonly isCalledOff: () => boolean; readonly end: () => void } {
  const mine: UnderWay = { market, isCalledOff: false };
  underWay.add(mine);
  return { isCalledOff: () => mine.isCalledOff, end: () => void underWay.delete(mine) };
}

type Pair = DataOf<"/orders/oco", "post">;

/** Place two orders of which one cancels the other; returns them as they were sent. Sent again if its answer was lost. */
export async function placePair(market: string, orders: readonly [OrderBody, OrderBody]): Promise<readonly OrderView[]> {
  const sent = JSON.stringify([market, orders]);
  const requestId = takeUnknownId(sent) ?? newClientId();
  const body = { market, orders, requestId };
  const take = answerTaker();
  const watch = callOffWatch(market);
  const isCalledOff = () => watch.isCalledOff();
  const send = (what: typeof body, isStopped = () => false) =>
    eitherWay<Pair>(
      () => line.ask("order:oco", what),
      async () => {
        if (isStopped()) throw new ApiError("UNKNOWN_OUTCOME", "Everything was cancelled before the pair was answered");
        return (await rest.call("post", "/orders/oco", { body: what })).data;
      },
    );
  const lost = {
    // A pair is found by sending it again, which places nothing once its id was used.
    cancel: async (isTaken: boolean) => {
      if (!isTaken) throw new ApiError("ORDER_NOT_FOUND", "A pair has no id to cancel it by");
      await cancelTogether((await send(body)).orders);
    },
    useUp: () => send({ ...body, orders: [{ ...orders[0], groupId: requestId }, { ...orders[1], groupId: requestId }] }),
  };
  try {
    const pair = await timed(() => send(body, isCalledOff));
    for (const order of pair.orders) take({ order });
    // Over REST it may have come after the cancel that was sent after it.
    if (isCalledOff()) await cancelTogether(pair.orders);
    return pair.orders;
  } catch (thrown) {
    if (isUnknown(asApiError(thrown))) {
      if (isCalledOff()) await callOff(lost);
      else keepUnknownId(sent, market, requestId, lost);
    }
    throw thrown;
  } finally {
    watch.end();
  }
}

/** Cancel some orders by one command; those that have ended meanwhile are passed over. Returns how many were cancelled. */
export async function cancelTogether(orders: readonly { readonly id: string }[]): Promise<number> {
  const operations = orders.map((order) => ({ op: "cancel" as const, orderId: order.id }));
  const take = answerTaker();
  const answer = await timed(() =>
    eitherWay<DataOf<"/orders/batch", "post">>(
      () => line.ask("order:batch", { operations }),
      async () => (await rest.call("post", "/orders/batch", { body: { operations } })).data,
    ),
  );
  for (const result of answer.results) if (result.data !== undefined) take(result.data);
  return answer.results.filter((result) => result.ok).length;
}

/** Cancel what is open under an id of one's own; throws ApiError, also if nothing is. */
async function cancelByClientId(clientOrderId: string): Promise<void> {
  const take = answerTaker();
  const path = { clientOrderId };
  const cancelled = await eitherWay<Cancelled>(
    () => line.ask("order:cancel", path),
    async () => (await rest.call("delete", "/orders/by-client-id/{clientOrderId}", { path })).data,
  );
  take(cancelled);
}

/** A change names the version it was made of, so that none is made twice. */
export type Change = AmendBody & { readonly expectedVersion: number };

/** What a change that is sent again is told if the one before was taken: it was, or filled the order at once. */
const TAKEN_BEFORE: ReadonlySet<string> = new Set(["VERSION_CHANGED", "ORDER_NOT_OPEN"]);

/** Change an open order; returns it as it is then. A change whose answer was lost is sent again. */
export async function amendOrder(orderId: string, change: Change): Promise<OrderView> {
  const take = answerTaker();
  const path = { id: orderId };
  const overRest = async () => (await rest.call("patch", "/orders/{id}", { path, body: change })).data.order;
  const again = async () => {
    try {
      return await overRest();
    } catch (thrown) {
      if (!TAKEN_BEFORE.has(asApiError(thrown).code)) throw thrown;
      // The one before was taken after all, unless somebody else has changed the order.
      const { data } = await rest.call("get", "/orders/{id}", { path });
      if (!isAsWished(data, change)) throw thrown;
      return data;
    }
  };
  const order = await timed(async () => {
    if (!line.isOpen) return overRest();
    try {
      return ((await line.ask("order:amend", { orderId, ...change })) as Amended).order;
    } catch (thrown) {
      if (!isUnknown(asApiError(thrown))) throw thrown;
      return again();
    }
  });
  take({ order });
  return order;
}

/** Whether an order has what a change gave it. */
function isAsWished(order: OrderView, change: Change): boolean {
  const isPriced = (change.price ?? null) === null || priceOf(order.price) === priceOf(String(change.price));
  const isCounted = (change.quantity ?? null) === null || quantityOf(order.quantity) === quantityOf(String(change.quantity));
  return order.version > change.expectedVersion && isPriced && isCounted;
}

export async function cancelOrder(orderId: string): Promise<Cancelled> {
  const take = answerTaker();
  const cancelled = await timed(() =>
    eitherWay<Cancelled>(
      () => line.ask("order:cancel", { orderId }),
      async () => (await rest.call("delete", "/orders/{id}", { path: { id: orderId } })).data,
    ),
  );
  take(cancelled);
  return cancelled;
}

/** Cancel everything one has, or everything in one market; returns how many it was. */
export async function cancelAll(market: string | null): Promise<number> {
  const isIn = (one: { readonly market: string }) => market === null || one.market === market;
  for (const one of underWay) if (isIn(one)) one.isCalledOff = true;
  const unknown = [...unknownIds].filter(([, one]) => isIn(one));
  for (const [sent] of unknown) unknownIds.delete(sent);
  const where = market === null ? {} : { market };
  try {
    const answer = await timed(() =>
      eitherWay<DataOf<"/orders", "delete">>(
        () => line.ask("order:cancel_all", where),
        async () => (await rest.call("delete", "/orders", { query: where })).data,
      ),
    );
    return answer.cancelled;
  } finally {
    for (const [, { at, lost }] of unknown) if (Date.now() - at <= REUSED_MS) void callOff(lost);
  }
}
