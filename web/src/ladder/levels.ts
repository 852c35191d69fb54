// What the ladder's rows hold: the book's levels summed by row, and one's own orders among them.

import type { OrderView } from "@/api/schema";
import type { Book } from "@/book/book";
import { PRICE_SCALE, priceOf, quantityOf } from "@/units/money";
import type { Geometry } from "./geometry";

export interface OwnOrder {
  readonly id: string;
  readonly side: "bid" | "ask";
  /** Of YES. */
  readonly price: number;
  readonly remaining: number;
  readonly version: number;
  readonly outcome: "YES" | "NO";
}

/** An open order as it stands in the YES book; null for one that waits for a price. */
export function ownOrder(order: OrderView): OwnOrder | null {
  const price = priceOf(order.price);
  if (price === null || order.status === "PENDING") return null;
  const isYes = order.outcome === "YES";
  return {
    id: order.id,
    side: (order.side === "BUY") === isYes ? "bid" : "ask",
    price: isYes ? price : PRICE_SCALE - price,
    remaining: quantityOf(order.remaining),
    version: order.version,
    outcome: order.outcome,
  };
}

/** What rests on a row of a side. */
export function rowQuantity(book: Book, geometry: Geometry, row: number, side: "bid" | "ask"): number {
  const price = geometry.priceOf(row);
  if (price === null) return 0;
  const rests = side === "bid" ? book.bids : book.asks;
  if (geometry.step === 1) return rests[price] ?? 0;
  let sum = 0;
  // A bid between two steps stands below, an ask above: see Geometry.rowOf.
  const from = side === "bid" ? price : price - geometry.step + 1;
  for (let at = Math.max(1, from); at < Math.min(PRICE_SCALE, from + geometry.step); at += 1) sum += rests[at] ?? 0;
  return sum;
}

/** The largest quantity of any row seen, 1 at least, which bars are drawn against. */
export function largestOf(book: Book, geometry: Geometry, [first, end]: readonly [number, number]): number {
  let largest = 1;
  for (let row = first; row < end; row += 1) {
    largest = Math.max(largest, rowQuantity(book, geometry, row, "bid"), rowQuantity(book, geometry, row, "ask"));
  }
  return largest;
}
