import { expect, test } from "vitest";
import type { DataOf } from "@/api/rest";
import { stateOf } from "@/ticket/useForecast";

type Preview = DataOf<"/orders/preview", "post">;

const order = (more: object) => ({ side: "BUY", price: "0.50", worstPrice: null, averagePrice: null, filled: "0.00", remaining: "10.00", fees: "0.000000", locked: "5.000000", status: "OPEN", cancelReason: null, ...more });

/** What is foreseen of two orders, the second one alone in the book at the end. */
function foreseen(first: object, trades: object[], other: object, available: string) {
  const results = [{ data: { order: order(first), trades } }, { data: {} }, { data: { order: order(other), trades: [] } }];
  return stateOf({ results, balance: { available } } as unknown as Preview, true);
}

test("of a pair that waits what the dearer one needs is locked", () => {
  const state = foreseen({}, [], { locked: "7.000000", price: "0.70" }, "93.000000");
  expect(state).toMatchObject({ state: "known", forecast: { locked: 7_000_000n, availableAfter: 93_000_000n }, paysMost: 7_000_000n });
});

test("a first order that trades at once ends the other one, which locks nothing then", () => {
  const filled = { filled: "10.00", remaining: "0.00", locked: "0.000000", status: "FILLED" };
  const state = foreseen(filled, [{ price: "0.50", quantity: "10.00" }], { locked: "7.000000", price: "0.70" }, "88.000000");
  expect(state).toMatchObject({ state: "known", forecast: { locked: 0n, availableAfter: 95_000_000n }, paysMost: 5_000_000n });
  const partly = { filled: "4.00", remaining: "6.00", locked: "3.000000", status: "PARTIAL" };
  // 100 less the 2 that were paid and the 7 of the other one.
  const rests = foreseen(partly, [{ price: "0.50", quantity: "4.00" }], { locked: "7.000000", price: "0.70" }, "91.000000");
  expect(rests).toMatchObject({ state: "known", forecast: { locked: 3_000_000n, availableAfter: 95_000_000n }, paysMost: 5_000_000n });
});
