import { describe, expect, test } from "vitest";
import { Book } from "@/book/book";
import { Geometry } from "@/ladder/geometry";
import { largestOf, ownOrder, rowQuantity } from "@/ladder/levels";
import { columnsOf, zoneAt } from "@/ladder/paint";
import { Press } from "@/ladder/press";
import type { OrderView } from "@/api/schema";

const cents = new Geometry(100, 20);
const fine = new Geometry(1, 20);

test("every price has one row, the highest on top", () => {
  expect([cents.rows, cents.height]).toEqual([99, 1980]);
  expect([cents.priceOf(0), cents.priceOf(98), cents.priceOf(99), cents.priceOf(-1)]).toEqual([9900, 100, null, null]);
  expect(fine.rows).toBe(9999);
  for (let row = 0; row < cents.rows; row += 1) {
    expect(cents.rowOf(cents.priceOf(row) ?? 0, "bid")).toBe(row);
    expect(cents.rowOf(cents.priceOf(row) ?? 0, "ask")).toBe(row);
  }
});

test("a row never promises a better price than there is", () => {
  expect(cents.priceOf(cents.rowOf(5550, "bid") ?? 0)).toBe(5500);
  expect(cents.priceOf(cents.rowOf(5550, "ask") ?? 0)).toBe(5600);
  expect(cents.rowOf(50, "bid")).toBeNull();
  expect(cents.rowOf(9950, "ask")).toBeNull();
});

test("what is seen, centred and revealed", () => {
  expect(cents.visible(0, 100)).toEqual([0, 5]);
  expect(cents.visible(30, 100)).toEqual([1, 7]);
  expect(cents.visible(1900, 500)).toEqual([95, 99]);
  expect(cents.centred(5000, 400)).toBe(790);
  expect(cents.centred(9900, 400)).toBe(0);
  expect(cents.centred(100, 400)).toBe(1580);
  expect(cents.revealed(0, 500, 400)).toBe(0);
  expect(cents.revealed(30, 500, 400)).toBe(500);
  expect(cents.revealed(50, 500, 400)).toBe(620);
  expect([cents.rowAt(0), cents.rowAt(39), cents.rowAt(1980), cents.rowAt(-1)]).toEqual([0, 1, null, null]);
});

test("rows sum what lies between two steps, on the side that is worse", () => {
  const book = new Book();
  book.replace([["0.5550", "1.00"], ["0.5500", "2.00"]], [["0.5601", "4.00"], ["0.5700", "8.00"]]);
  expect(rowQuantity(book, cents, cents.rowOf(5500, "bid") ?? 0, "bid")).toBe(300);
  expect(rowQuantity(book, cents, cents.rowOf(5700, "ask") ?? 0, "ask")).toBe(1200);
  expect(rowQuantity(book, fine, fine.rowOf(5601, "ask") ?? 0, "ask")).toBe(400);
  expect(largestOf(book, cents, [0, 99])).toBe(1200);
});

test("an order of NO stands on the other side at the other price", () => {
  const order = { id: "1", price: "0.4200", outcome: "NO", side: "BUY", remaining: "5.00", status: "OPEN", version: 0 } as OrderView;
  expect(ownOrder(order)).toMatchObject({ side: "ask", price: 5800, remaining: 500 });
  expect(ownOrder({ ...order, side: "SELL" })).toMatchObject({ side: "bid" });
  expect(ownOrder({ ...order, status: "PENDING" })).toBeNull();
  expect(ownOrder({ ...order, price: null })).toBeNull();
});

test("a click means what is under it", () => {
  const columns = columnsOf(340);
  expect([10, 60, 140, 200, 230, 330].map((x) => zoneAt(columns, x))).toEqual(["own-bid", "bid", "price", "price", "ask", "own-ask"]);
});

describe("what a press comes to", () => {
  const order = { id: "1", side: "bid", price: 5550, remaining: 100, version: 0, outcome: "YES" } as const;

  test("a click counts only where it began", () => {
    const press = new Press();
    expect(press.end(1, 4, "bid")).toBeNull();
    press.begin(1, 4, "bid", null);
    expect(press.end(1, 4, "bid")).toEqual({ kind: "click", zone: "bid", row: 4 });
    expect(press.end(1, 4, "bid")).toBeNull();
    for (const [row, zone] of [[5, "bid"], [4, "price"], [null, "bid"]] as const) {
      press.begin(1, 4, "bid", null);
      expect(press.end(1, row, zone)).toBeNull();
    }
  });

  test("an order is moved only to another row, whatever its price lies between", () => {
    const press = new Press();
    press.begin(1, 4, "own-bid", order);
    expect(press.order).toBe(order);
    expect(press.end(1, 4, "own-bid")).toBeNull();
    press.begin(1, 4, "own-bid", order);
    expect(press.end(1, 7, "price")).toEqual({ kind: "move", order, row: 7 });
    expect(press.order).toBeNull();
  });

  test("what is broken off or begun anew leaves nothing behind", () => {
    const press = new Press();
    press.begin(1, 4, "own-bid", order);
    press.cancel();
    expect(press.end(1, 9, "own-bid")).toBeNull();
    press.begin(1, 4, "own-bid", order);
    press.begin(2, 9, "bid", null);
    expect(press.end(1, 7, "own-bid")).toBeNull();
    expect(press.end(2, 9, "bid")).toEqual({ kind: "click", zone: "bid", row: 9 });
  });
});
