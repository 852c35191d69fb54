// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { rest } from "@/api/rest";
import { Overview } from "@/portfolio/Overview";

const root = document.createElement("div");
const BALANCE = { available: "1.000000", locked: "0.000000", total: "1.000000" };
const SUMS = { balance: BALANCE, equity: "1.000000", positionsValue: "0.000000", unrealisedProfit: "0.000000", realisedProfit: "0.000000" };
const ORDER = { id: "1", slug: "rain", side: "BUY", outcome: "YES", type: "LIMIT", timeInForce: "GTC", price: "0.5000", filled: "0.00", remaining: "1.00", createdAt: "2026-01-01T00:00:00Z" };

afterEach(() => {
  void act(() => render(null, root));
  vi.restoreAllMocks();
});

test.each([[null, false], ["7", true]])("a table whose list goes on at %s says that there is more: %s", async (nextCursor, isSaid) => {
  vi.spyOn(rest, "call").mockImplementation(((_: string, path: string) => Promise.resolve(path === "/user/portfolio" ? { data: SUMS } : path === "/orders" ? { data: [ORDER], nextCursor } : { data: [], nextCursor: null })) as never);
  document.body.append(root);
  void act(() => render(<Overview />, root));
  await vi.waitFor(() => expect(root.textContent).toContain("rain"));
  expect(root.querySelector("a[href='/portfolio/orders']") !== null).toBe(isSaid);
});
