// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NewAlert } from "@/alerts/NewAlert";
import { rest } from "@/api/rest";
import { priceFormat } from "@/shell/preferences";

const root = document.createElement("div");
const sent: unknown[] = [];
const doing = (deed: () => unknown) => void act(() => void deed());
const show = (marketId: string) => doing(() => render(<NewAlert marketId={marketId} price="0.4000" onDone={() => undefined} />, root));
const kinds = () => [...root.querySelectorAll("[name=kind] option")].map((one) => one.getAttribute("value"));

beforeEach(() => {
  document.body.append(root);
  vi.spyOn(rest, "call").mockImplementation(((method: string, _: string, options: { body?: unknown }) => {
    if (method === "post") sent.push(options.body);
    return new Promise(() => undefined);
  }) as never);
});
afterEach(() => {
  doing(() => render(null, root));
  priceFormat.value = "price";
  sent.length = 0;
  vi.restoreAllMocks();
});

test("a price that was typed stays the price that it is when prices are shown otherwise", () => {
  priceFormat.value = "percent";
  show("7");
  const field = root.querySelector<HTMLInputElement>("[name=price]");
  expect(field?.value).toBe("40");
  doing(() => {
    if (field !== null) field.value = "45";
    field?.dispatchEvent(new Event("input", { bubbles: true }));
  });
  doing(() => (priceFormat.value = "price"));
  expect(field?.value).toBe("0.45");
  doing(() => root.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true })));
  expect(sent).toEqual([expect.objectContaining({ price: "0.45" })]);
});

test("of another venue's market nobody has fills to be told of", () => {
  show("7");
  expect(kinds()).toContain("FILL");
  show("kalshi:KX");
  expect(kinds()).not.toContain("FILL");
});
