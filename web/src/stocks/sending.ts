// Sending an order of a stock so that nothing happens twice and nothing is lost.
//
// Laws: an order goes out under an id of its own, and is kept in this tab before it does. Where its answer is lost, or the page was
// loaded anew meanwhile, it stays with that id until somebody asks again, which finds what came of it, or does it now; until then
// nothing else is sent. What was refused is known, and over.

import { signal } from "@preact/signals";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { StockBuyBody, StockSellBody, StockTradeView } from "@/api/schema";
import { isUnknown } from "@/feed/calling";
import { newClientId } from "@/feed/desk";
import { user } from "@/session/session";
import type { Side } from "./draft";

/** Refusals before anything is looked at: they say nothing of what was sent before. */
const UNSEEN: ReadonlySet<number> = new Set([401, 403, 429, 503]);

export type Body = StockBuyBody & StockSellBody;

/** An order whose answer was lost, and whose it is. */
export interface Lost {
  readonly side: Side;
  readonly body: Body;
  readonly owner: string;
}

const KEY = "probity.stock-order";

function stored(): Lost | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Lost | null;
  } catch {
    return null; // storage is off in this browser, or holds what is no order
  }
}

function store(order: Lost | null): void {
  try {
    if (order === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(order));
  } catch {
    // Storage is off in this browser: it is kept as long as the page lives.
  }
}

/** The order whose answer didn't come. */
export const lost = signal<Lost | null>(stored());

/** Ask for it no more: it may have happened all the same. */
export function leave(): void {
  lost.value = null;
  store(null);
}

/** Send an order that is new; throws ApiError. */
export function send(side: Side, body: Body): Promise<StockTradeView> {
  return sent({ side, body: { ...body, requestId: newClientId() }, owner: user.peek()?.id ?? "" });
}

/** Ask what became of the one that was lost, or do it; throws ApiError. */
export async function sendAgain(): Promise<StockTradeView | null> {
  const order = lost.peek();
  return order === null ? null : sent(order);
}

async function sent(order: Lost): Promise<StockTradeView> {
  const { side, body } = order;
  store(order);
  try {
    const { data } = side === "BUY" ? await rest.call("post", "/economy/buy", { body: buyBody(body) }) : await rest.call("post", "/economy/sell", { body });
    leave();
    return data;
  } catch (thrown) {
    const error = asApiError(thrown);
    const isOpen = isUnknown(error) || (lost.peek() === order && UNSEEN.has(error.status));
    if (isOpen) lost.value = order;
    else leave();
    throw error;
  }
}

function buyBody(body: Body): StockBuyBody {
  return body;
}
