// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ListedMarketView } from "@/api/schema";
import { App } from "@/shell/App";
import { language } from "@/shell/language";
import { navigate } from "@/shell/router";

const MARKET = {
  id: "1", slug: "rain", question: "Will it rain?", description: "", category: "", status: "OPEN", closeTime: null, createdAt: null, tickSize: "0.0100", minQuantity: "1.00", makerFee: null, takerFee: null, feeModel: null, bestBid: null, bestAsk: null,
  lastPrice: null, volume: null, trades: null, openInterest: null, seq: 1, resolution: null, yesPayout: null, source: null, resolvedAt: null,
} satisfies ListedMarketView;
// What is painted has no canvas here.
vi.mock("@/ladder/Ladder", () => ({ Ladder: () => null }));
vi.mock("@/charts/DepthChart", () => ({ DepthChart: () => null }));
vi.mock("@/charts/PriceChart", () => ({ PriceChart: () => null }));

const root = document.createElement("div");

beforeEach(() => {
  const answered = () => Promise.resolve(new Response(JSON.stringify({ success: true, data: MARKET, meta: {} }), { headers: { "content-type": "application/json" } }));
  vi.stubGlobal("fetch", (asked: string | URL) => (String(asked).endsWith("/markets/rain") ? answered() : new Promise(() => undefined)));
  vi.stubGlobal("scrollTo", () => undefined);
  document.body.append(root);
});
afterEach(() => {
  void act(() => render(null, root));
  language.value = "en";
  vi.unstubAllGlobals();
});

test("the window of a market keeps its name in another language", async () => {
  navigate("/trade/rain", true);
  void act(() => render(<App />, root));
  await vi.waitFor(() => expect(document.title).toContain("Will it rain?"), 5_000);
  const named = document.title;
  void act(() => void (language.value = "de"));
  expect(document.title).toBe(named);
});
