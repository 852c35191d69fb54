// Sending an order of a stock, so that it happens once, whatever becomes of its answer (session/attempts).
//
// Law: one at a time, of whichever stock: until its answer is known nothing else is sent.

import { rest } from "@/api/rest";
import type { StockBuyBody, StockSellBody, StockTradeView } from "@/api/schema";
import { Attempts } from "@/session/attempts";
import type { Side } from "./draft";

export interface StockOrder {
  readonly side: Side;
  /** All of it but for its request id. */
  readonly body: StockBuyBody & StockSellBody;
}

/** The order that has no answer yet. */
export const orders = new Attempts<StockOrder>("stock");

/** Send an order, or go on with the one that has no answer yet, whatever is told; throws ApiError. */
export function send(order: StockOrder): Promise<StockTradeView> {
  return orders.run(order, async ({ id, body: { side, body } }) => {
    const sent = { body: { ...body, requestId: id } };
    const answer = side === "BUY" ? await rest.call("post", "/economy/buy", sent) : await rest.call("post", "/economy/sell", sent);
    return answer.data;
  });
}
