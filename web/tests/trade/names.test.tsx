// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test } from "vitest";
import type { ListedMarketView } from "@/api/schema";
import { MarketHead } from "@/trade/MarketHead";

const MARKET = {
  id: "1", slug: "derby", question: "Who wins?", description: "", category: "", status: "OPEN", closeTime: null, createdAt: null, tickSize: "0.0100", minQuantity: "1.00", makerFee: null, takerFee: null, feeModel: null, bestBid: null, bestAsk: null,
  lastPrice: null, volume: null, trades: null, openInterest: null, seq: 1, resolution: null, yesPayout: null, source: null, resolvedAt: null,
} satisfies ListedMarketView;

const root = document.createElement("div");

function shown(outcomes?: readonly [string, string]): string {
  void act(() => render(<MarketHead market={outcomes === undefined ? MARKET : { ...MARKET, outcomes }} middle={signal(null)} />, root));
  return root.querySelector(".row")?.textContent ?? "";
}

afterEach(() => void act(() => render(null, root)));

test("who trades sees what YES and NO are called", () => {
  expect(shown(["Home", "Away"])).toContain("YES: Home · NO: Away");
});

test("what is called Yes and No isn't said twice", () => {
  for (const plain of [shown(), shown(["Yes", "No"]), shown(["YES", "NO"])]) expect(plain).not.toContain("NO:");
});
