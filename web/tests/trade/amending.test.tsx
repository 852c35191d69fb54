// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OrderView, SignedInView } from "@/api/schema";
import { signedIn } from "@/session/session";
import { priceFormat } from "@/shell/preferences";
import { OrderTable } from "@/trade/OrderTable";

const ORDER = { id: "o1", marketId: "m1", side: "BUY", outcome: "YES", type: "LIMIT", price: "0.4000", quantity: "10.00", maxCost: null, filled: "0.00", remaining: "10.00", locked: "4.000000", status: "OPEN", version: 3, timeInForce: "GTC", postOnly: false, worstPrice: null, triggerPrice: null, groupId: null, ocoOrderId: null } as unknown as OrderView;
const sent: object[] = [];
const root = document.createElement("div");
const doing = (deed: () => unknown) => void act(() => void deed());
const show = (order: OrderView) => doing(() => render(<OrderTable orders={[order]} tick={100} queue={new Map()} />, root));
const fields = () => [...root.querySelectorAll("input")];
const button = (text: string) => [...root.querySelectorAll("button")].find((one) => one.textContent === text);
const click = (text: string) => doing(() => button(text)?.click());
const type = (index: number, text: string) =>
  doing(() => {
    const field = fields()[index];
    if (field === undefined) throw new Error("no field");
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

beforeEach(() => {
  vi.stubGlobal("fetch", (_: unknown, asked?: { method?: string; body?: string }) => {
    if (asked?.method === "PATCH") sent.push(JSON.parse(asked.body ?? "{}") as object);
    return new Promise(() => undefined);
  });
  signedIn({ user: { id: "u1" }, accessToken: "t", expiresIn: 900 } as SignedInView);
  document.body.append(root);
});
afterEach(() => {
  doing(() => render(null, root));
  sent.length = 0;
  priceFormat.value = "price";
  vi.unstubAllGlobals();
});

test("a price that is being typed stays the price that it is when prices are shown otherwise", () => {
  show(ORDER);
  click("Change");
  type(0, "0,45");
  doing(() => (priceFormat.value = "percent"));
  expect(fields()[0]?.value).toBe("45");
  type(0, "46");
  doing(() => (priceFormat.value = "cents"));
  click("Save");
  expect(sent).toEqual([{ price: "0.4600", quantity: "10.00", expectedVersion: 3 }]);
});

test("a change is of the order as it was when it was begun", () => {
  show(ORDER);
  click("Change");
  show({ ...ORDER, version: 4, quantity: "50.00" });
  type(0, "0.45");
  click("Save");
  expect(sent).toEqual([{ price: "0.4500", quantity: "10.00", expectedVersion: 3 }]);
});

test("what is no price and no number of shares is marked, and nothing is sent", () => {
  show(ORDER);
  click("Change");
  type(0, "a lot");
  type(1, "1.234");
  expect(fields().map((field) => field.getAttribute("aria-invalid"))).toEqual(["true", "true"]);
  click("Save");
  expect(sent).toEqual([]);
});

test("of an order that is told by its cost only what it waits for can be changed", () => {
  const order = { ...ORDER, type: "STOP", status: "PENDING", price: null, quantity: null, maxCost: "5.000000", triggerPrice: "0.6000" } as OrderView;
  show(order);
  click("Change");
  expect(fields()).toHaveLength(1);
  type(0, "0.65");
  click("Save");
  expect(sent).toEqual([{ triggerPrice: "0.6500", expectedVersion: 3 }]);
  click("Leave it");
  show({ ...order, status: "OPEN" });
  expect(button("Change")).toBeUndefined();
});
