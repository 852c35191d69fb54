// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ListedMarketView } from "@/api/schema";
import { rest } from "@/api/rest";
import MarketsPage from "@/markets/MarketsPage";
import { MarketList } from "@/markets/list";
import { followStars, stars } from "@/markets/stars";
import { navigate } from "@/shell/router";

const market = (id: string) => ({ id, slug: `m${id}`, question: `Question ${id}?`, platform: "exchange", status: "OPEN", category: "", yesPrice: null, lastPrice: null, bestBid: null, bestAsk: null, volume24h: "0", closeTime: null }) as unknown as ListedMarketView;
const root = document.createElement("div");
const asked: string[] = [];

beforeEach(() => {
  localStorage.clear();
  asked.length = 0;
  document.body.append(root);
  vi.stubGlobal("scrollTo", () => undefined);
  vi.spyOn(rest, "call").mockImplementation(((_: string, path: string, options: { path?: { slug: string } } = {}) => {
    if (path === "/markets") return Promise.resolve({ data: [market("1"), market("2")], pagination: { total: 900 }, nextCursor: "2" });
    if (path !== "/markets/{slug}") return Promise.reject(new Error("away"));
    asked.push(options.path?.slug ?? "");
    return options.path?.slug === "gone" ? Promise.reject(new Error("gone")) : Promise.resolve({ data: market(options.path?.slug ?? "") });
  }) as never);
});
afterEach(() => {
  void act(() => render(null, root));
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  navigate("/", true);
});

test("the watchlist has what is far down the list as well", async () => {
  localStorage.setItem("probity.stars", JSON.stringify(["2", "700", "gone"]));
  navigate("/?starred=1", true);
  void act(() => render(<MarketsPage />, root));
  const count = () => root.querySelector(".count")?.textContent;
  await vi.waitFor(() => expect(count()).toBe("2 markets"));
  expect(asked.sort()).toEqual(["700", "gone"]);
});

test("of what is wanted by name a bounded number is read, each once, and it changes as the others do", async () => {
  const list = new MarketList();
  await list.ask({ search: "", category: "", platform: "", status: "", sort: "" });
  const ids = Array.from({ length: 150 }, (_, index) => String(index + 1));
  await list.seek(ids);
  await list.seek(ids);
  expect([asked.length, new Set(asked).size, asked.includes("1")]).toEqual([100, 100, false]);
  (list as unknown as { change: (id: string, part: object) => void }).change("9", { bestBid: "0.4000" });
  expect(list.sought.value.get("9")?.bestBid).toBe("0.4000");
  list.close();
});

test.each(["not json", "{}", "[1, null]"])("stars that are kept as %s are none", (text) => {
  localStorage.setItem("probity.stars", text);
  const stop = followStars();
  expect([...stars.value]).toEqual([]);
  stop();
});
