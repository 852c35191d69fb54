// Sending orders: over the line, which is quickest, else over REST; and how long the answer took.
//
// Laws: each order has a client id, so that one whose answer was lost can be sent again without being
// placed twice. Cancels go out at once, whatever else waits.

import { signal } from "@preact/signals";
import type { ApiError} from "@/api/errors";
import { asApiError } from "@/api/errors";
import { rest, type DataOf } from "@/api/rest";
import type { AmendBody, OrderBody } from "@/api/schema";
import { takeAnswer } from "./account";
import { line } from "./line";

export type Placed = DataOf<"/orders/{id}", "post">;
export type Amended = DataOf<"/orders/{id}", "patch">;
export type Cancelled = DataOf<"/orders/{id}", "delete">;

/** From the click to the exchange's word, in milliseconds; null before the first. */
export const lastAckMs = signal<number | null>(null);

async function timed<T>(send: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const answer = await send();
  lastAckMs.value = performance.now() - begun;
  return answer;
}

/** A client id that nobody else makes. */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Whether it isn't known what became of it. */
function isUnknown(error: ApiError): boolean {
  return error.code === "OFFLINE" || error.code === "UNKNOWN_OUTCOME";
}

export async function placeOrder(market: string, order: OrderBody): Promise<Placed> {
  const body = { ...order, clientOrderId: order.clientOrderId ?? newClientId() };
  const overRest = async () => (await rest.call("post", "/orders/{id}", { path: { id: market }, body })).data;
  const placed = await timed(async () => {
    if (!line.isOpen) return overRest();
    try {
      return (await line.ask("order:place", { market, ...body })) as Placed;
    } catch (thrown) {
      const error = asApiError(thrown);
      if (!isUnknown(error)) throw error;
      return overRest();
    }
  });
  takeAnswer(placed);
  return placed;
}

export async function amendOrder(orderId: string, change: AmendBody): Promise<Amended> {
  const amended = await timed(async () =>
    line.isOpen
      ? ((await line.ask("order:amend", { orderId, ...change })) as Amended)
      : (await rest.call("patch", "/orders/{id}", { path: { id: orderId }, body: change })).data,
  );
  takeAnswer(amended);
  return amended;
}

export async function cancelOrder(orderId: string): Promise<Cancelled> {
  const cancelled = await timed(async () =>
    line.isOpen
      ? ((await line.ask("order:cancel", { orderId })) as Cancelled)
      : (await rest.call("delete", "/orders/{id}", { path: { id: orderId } })).data,
  );
  takeAnswer(cancelled);
  return cancelled;
}

/** Cancel everything one has, or everything in one market; returns how many it was. */
export async function cancelAll(market: string | null): Promise<number> {
  const where = market === null ? {} : { market };
  const answer = await timed(async () =>
    line.isOpen
      ? ((await line.ask("order:cancel_all", where)) as DataOf<"/orders", "delete">)
      : (await rest.call("delete", "/orders", { query: where })).data,
  );
  return answer.cancelled;
}
