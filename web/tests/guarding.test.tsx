// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ListedMarketView, OrderView, SignedInView } from "@/api/schema";
import type { OwnOrder } from "@/ladder/levels";
import { signedIn } from "@/session/session";
import { Guardrails } from "@/ticket/Guardrails";
import { guardMode, largestOrder } from "@/ticket/guardrails";
import { OrderTable } from "@/trade/OrderTable";
import { TradeDesk } from "@/trade/tradeDesk";

const MARKET = { id: "m1", platform: "exchange", tickSize: "0.0100", minQuantity: "1.00", lastPrice: null } as ListedMarketView;
const ORDER = { id: "o1", marketId: "m1", side: "BUY", outcome: "YES", type: "LIMIT", price: "0.4000", quantity: "10.00", filled: "0.00", remaining: "10.00", locked: "4.000000", status: "OPEN", version: 0, timeInForce: "GTC", postOnly: false, worstPrice: null, triggerPrice: null } as OrderView;
const sent: string[] = [];
const root = document.createElement("div");
let desk: TradeDesk;

beforeEach(() => {
  vi.stubGlobal("fetch", (_: unknown, asked?: { method?: string; body?: string }) => {
    if (asked?.method !== undefined && asked.method !== "GET") sent.push(`${asked.method} ${asked.body ?? ""}`);
    return Promise.reject(new TypeError("no network"));
  });
  signedIn({ user: { id: "u1" }, accessToken: "t", expiresIn: 900 } as SignedInView);
  desk = new TradeDesk(signal(MARKET));
  guardMode.value = "block";
  largestOrder.value = 5;
  document.body.append(root);
});
afterEach(() => {
  desk.close();
  render(null, root);
  sent.length = 0;
  guardMode.value = "off";
  vi.unstubAllGlobals();
});

test("the ladder places no order that a guardrail holds back, nor one told by its cost", async () => {
  await desk.placeAt(6_000, "YES");
  guardMode.value = "warn";
  await desk.placeAt(6_000, "YES");
  desk.draft.value = { ...desk.draft.peek(), type: "MARKET", byCost: true, maxCost: "1" };
  await desk.placeAt(4_000, "YES");
  expect(sent).toEqual([]);
  desk.draft.value = { ...desk.draft.peek(), byCost: false, timeInForce: "FOK" };
  await desk.placeAt(4_000, "YES");
  expect(sent[0]).toContain('"timeInForce":"GTC"');
});

test("an order that is dragged is held back only where that makes it larger", async () => {
  const order: OwnOrder = { id: "o1", side: "bid", price: 6_000, remaining: 1_000, version: 0, outcome: "YES" };
  await desk.move(order, 7_000);
  expect(sent).toEqual([]);
  await desk.move(order, 5_500);
  await desk.move({ ...order, side: "ask" }, 7_000);
  expect(sent.length).toBe(2);
});

test("a change in the order's row is held against the guardrails", () => {
  const doing = (deed: () => unknown) => void act(() => void deed());
  const click = (text: string) => doing(() => [...root.querySelectorAll("button")].find((one) => one.textContent === text)?.click());
  const change = (price: string) =>
    doing(() => {
      const field = root.querySelector("input");
      if (field === null) throw new Error("no field");
      field.value = price;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  doing(() => render(<OrderTable orders={[ORDER]} tick={100} queue={new Map()} />, root));
  click("Change");
  change("0.60");
  click("Save");
  expect(sent).toEqual([]);
  change("0.45");
  click("Save");
  expect(sent.length).toBe(1);
});

test("what is typed as a bound and is none is said to be none", () => {
  const doing = (deed: () => unknown) => void act(() => void deed());
  doing(() => render(<Guardrails />, root));
  const type = (text: string) =>
    doing(() => {
      const field = root.querySelector<HTMLInputElement>("[name=guardOrder]");
      if (field === null) throw new Error("no field");
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  for (const text of ["1.000", "1,000", "0.5", "-3", "a lot", "0"]) {
    type(text);
    expect([largestOrder.value, root.querySelector("[role=alert]")?.textContent]).toEqual([null, expect.stringContaining("no bound")]);
  }
  type(" 1000 ");
  expect([largestOrder.value, root.querySelector("[role=alert]")]).toEqual([1_000, null]);
  type("");
  expect([largestOrder.value, root.querySelector("[role=alert]")]).toEqual([null, null]);
});
