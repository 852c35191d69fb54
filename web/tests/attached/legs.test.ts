import { describe, expect, test } from "vitest";
import type { OrderView } from "@/api/schema";
import type { Bracket } from "@/attached/brackets";
import { bundlesOf } from "@/attached/bundles";
import { NOTHING, comingExits, exitProblems, fitting, heldExits, looksOf, modesOf, neededLater, otherOf, otherProblems, pairOf, type Attached } from "@/attached/legs";
import { EMPTY_DRAFT, settled, type Draft } from "@/ticket/order";

const draft = (more: Partial<Draft> = {}): Draft => settled({ ...EMPTY_DRAFT, price: "0.55", ...more });
const attached = (more: Partial<Attached> = {}): Attached => ({ ...NOTHING, mode: "exits", takeProfit: "0.70", stop: "0.40", ...more });

describe("what goes with an order", () => {
  test.each<[Partial<Draft>, string]>([
    [{}, "none exits other"],
    [{ type: "MARKET" }, "none exits"],
    [{ timeInForce: "IOC" }, "none exits"],
    [{ side: "SELL" }, "none other"],
    [{ side: "SELL", type: "MARKET" }, "none"],
    [{ type: "STOP" }, "none other"],
    [{ type: "TAKE_PROFIT", byCost: true }, "none"],
  ])("%j: %s", (more, modes) => expect(modesOf(draft(more)).join(" ")).toBe(modes));
  test("what doesn't go with it is as if nothing were attached", () => {
    expect(fitting(attached(), draft({ side: "SELL" })).mode).toBe("none");
    expect(fitting(attached(), draft()).mode).toBe("exits");
  });
});

describe("exits", () => {
  test("of shares that are there are sold as a limit and a stop", () => {
    expect(heldExits(attached({ stopWorst: "0.35", groupId: "g" }), "YES", 1_000)).toEqual({
      takeProfit: { side: "SELL", outcome: "YES", quantity: "10.00", type: "LIMIT", price: "0.7000", groupId: "g" },
      stop: { side: "SELL", outcome: "YES", quantity: "10.00", type: "STOP", triggerPrice: "0.4000", worstPrice: "0.3500", groupId: "g" },
    });
    expect(heldExits(attached({ takeProfit: "" }), "NO", 250)).toEqual({ takeProfit: null, stop: { side: "SELL", outcome: "NO", quantity: "2.50", type: "STOP", triggerPrice: "0.4000" } });
  });
  test("of shares to come buy the other outcome, only as far as there is something to get rid of", () => {
    const shares = { side: "BUY", outcome: "NO", quantity: "10.00", reduceOnly: true, timeInForce: "IOC" };
    expect(comingExits(attached(), "YES", 1_000, 100)).toEqual({
      takeProfit: { ...shares, type: "TAKE_PROFIT", triggerPrice: "0.3000", triggerBy: "BEST", worstPrice: "0.3000" },
      stop: { ...shares, type: "STOP", triggerPrice: "0.6000", worstPrice: "0.9900" },
    });
    expect(neededLater(attached({ stopWorst: "0.35" }), 1_000, 100)).toBe(6_500_000n);
    expect(neededLater(attached({ stop: "" }), 1_000, 100)).toBe(3_000_000n);
  });
  test.each<[Partial<Attached>, number | null, (string | null)[][]]>([
    [{}, 5_500, []],
    [{ takeProfit: "0.55" }, 5_500, [["takeProfit", "aboveEntry", "0.56"]]],
    [{ stop: "0.60" }, 5_500, [["stop", "belowEntry", "0.54"]]],
    [{ takeProfit: "0.705" }, 5_500, [["takeProfit", "offTick", "0.71"]]],
    [{ stop: "x" }, 5_500, [["stop", "needsPrice", null]]],
    [{ stopWorst: "0.45" }, 5_500, [["stopWorst", "belowStop", "0.40"]]],
    [{ takeProfit: "0.10", stop: "0.90" }, null, []],
    [{ takeProfit: "", stop: "0.01" }, 100, [["stop", "belowEntry", null]]],
  ])("%j at %s", (more, entry, expected) => expect(exitProblems(attached(more), entry, 100).map(({ field, text, offer }) => [field, text, offer])).toEqual(expected));
});

describe("a second order", () => {
  const sell = draft({ side: "SELL", price: "0.70", quantity: "10" });
  const pair = attached({ mode: "other", other: draft({ type: "STOP", triggerPrice: "0.40", quantity: "3", side: "BUY" }), groupId: "g" });
  test("has the side, the outcome and the shares of the ticket's", () => {
    expect(pairOf(sell, pair)).toEqual([
      { side: "SELL", outcome: "YES", type: "LIMIT", price: "0.7000", quantity: "10.00", timeInForce: "GTC", groupId: "g" },
      { side: "SELL", outcome: "YES", type: "STOP", quantity: "10.00", triggerPrice: "0.4000", triggerBy: "LAST", timeInForce: "IOC", groupId: "g" },
    ]);
    expect(looksOf(sell, pair, 1_000, 100)).toEqual([pairOf(sell, pair)[1]]);
  });
  test("waits for a price, since one of both has to", () => {
    expect(otherOf({ ...pair, other: draft({ type: "LIMIT" }) }, sell).type).toBe("STOP");
    expect(otherOf({ ...pair, other: draft({ type: "LIMIT" }) }, draft({ type: "STOP", side: "SELL" })).type).toBe("LIMIT");
  });
  test("says what is wrong with its own fields alone", () => {
    const wrong = otherProblems(attached({ mode: "other" }), draft({ side: "SELL", quantity: "" }), { tick: 100, minQuantity: 100 }, 0);
    expect(wrong.map((one) => one.field)).toEqual(["triggerPrice"]);
  });
});

describe("open orders that belong together", () => {
  const order = (id: string, ocoOrderId: string | null = null) => ({ id, ocoOrderId }) as OrderView;
  const shown = (orders: OrderView[], brackets: Bracket[] = []) =>
    bundlesOf(orders, new Map(brackets.flatMap((one) => [one.entry, ...one.legs.map((leg) => leg.id)].map((id) => [id, one] as const)))).map((one) => `${one.kind} ${one.orders.map(({ id }) => id).join(",")}`);
  const leg = (id: string, role: "takeProfit" | "stop") => ({ id, role, isComing: true });
  const bracket: Bracket = { whose: "u", entry: "1", outcome: "YES", quantity: "10.00", filledBefore: 0, legs: [leg("2", "takeProfit"), leg("3", "stop")] };

  test("a pair is one as long as both are open", () => {
    expect(shown([order("5", "4"), order("9"), order("4", "5")])).toEqual(["pair 4,5", "single 9"]);
    expect(shown([order("4", "5")])).toEqual(["single 4"]);
  });
  test("an entry is shown with its exits, and they without it", () => {
    expect(shown([order("3", "2"), order("2", "3"), order("1"), order("7")], [bracket])).toEqual(["bracket 1,2,3", "single 7"]);
    expect(shown([order("3", "2"), order("2", "3")], [bracket])).toEqual(["bracket 2,3"]);
  });
});
