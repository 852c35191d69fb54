// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SignedInView, StockView } from "@/api/schema";
import { signedIn } from "@/session/session";
import { language } from "@/shell/language";
import { confirmOrders } from "@/shell/preferences";
import { orders, send, type StockOrder } from "@/stocks/sending";
import { StockTicket } from "@/stocks/StockTicket";

const STOCK = { symbol: "ORCA", name: "Orca", status: "OPEN", basePrice: "1", slope: "0.01", supply: "200", interestRate: "0.001", maintenanceMargin: "0.1" } as StockView;
const ORDER: StockOrder = { side: "BUY", body: { symbol: "ORCA", shares: "1", leverage: 1 } };
const DONE = { id: "1", symbol: "ORCA", side: "BUY", shares: "1", total: "3", averagePrice: "3", liquidated: 0 };

interface Sent {
  readonly path: string;
  readonly body: { readonly requestId: string; readonly shares?: string };
}
let sent: Sent[] = [];
/** How each is answered in turn; nothing comes in the end. */
let answers: Response[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  confirmOrders.value = false;
  sent = [];
  answers = [];
  signedIn({ user: { id: "7", role: "USER" }, accessToken: "t", expiresIn: 1_000 } as unknown as SignedInView);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push({ path, body: JSON.parse(init.body as string) as Sent["body"] });
    const answer = answers.shift();
    return answer === undefined ? Promise.reject(new TypeError("cut")) : Promise.resolve(answer);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const passed = () => act(() => vi.advanceTimersByTimeAsync(0) as unknown as Promise<void>);

async function lose(order: StockOrder): Promise<void> {
  const losing = send(order).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(10_000);
  await losing;
}

test("an order is asked for again under its id until there is an answer, and what is new has another", async () => {
  await lose(ORDER);
  expect(sent).toHaveLength(4);
  expect(orders.open).toMatchObject({ body: ORDER, isLost: true });
  answers = [Response.json({ success: true, data: DONE }), Response.json({ success: true, data: DONE })];
  expect(await send({ ...ORDER, side: "SELL" })).toEqual(DONE);
  expect(new Set(sent.map((one) => `${one.path} ${one.body.requestId}`)).size).toBe(1);
  expect(orders.open).toBeNull();
  await send({ ...ORDER, side: "SELL" });
  expect(sent.at(-1)?.path).toContain("/economy/sell");
  expect(sent.at(-1)?.body.requestId).not.toBe(sent[0]?.body.requestId);
});

test("what is refused is said in the reader's words, and the stock is looked at anew", async () => {
  language.value = "de";
  const place = document.createElement("div");
  document.body.append(place);
  const onDone = vi.fn();
  await act(() => render(<StockTicket stock={STOCK} position={null} onDone={onDone} />, place));
  const field = place.querySelector<HTMLInputElement>("input[name=shares]");
  await act(() => {
    if (field !== null) field.value = "5";
    field?.dispatchEvent(new Event("input", { bubbles: true }));
  });
  answers = [Response.json({ success: false, error: { code: "PRICE_MOVED", message: "a share would cost 4 now", details: [{ field: "maxPrice", message: "a share would cost 4 now" }] } }, { status: 422 })];
  await act(() => void place.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true })));
  await passed();
  expect(place.querySelector("[data-problem=PRICE_MOVED]")?.textContent).toContain("Der Preis hat sich weiter bewegt");
  expect(onDone).toHaveBeenCalledTimes(1);
  expect(orders.open).toBeNull();
  language.value = "en";
  render(null, place);
  place.remove();
});

test("while an answer is missing a ticket sends nothing else, by Enter neither", async () => {
  await lose(ORDER);
  const place = document.createElement("div");
  document.body.append(place);
  await act(() => render(<StockTicket stock={STOCK} position={null} onDone={() => undefined} />, place));
  expect(place.querySelector("[data-lost]")?.textContent).toContain("purchase of ORCA");
  const field = place.querySelector<HTMLInputElement>("input[name=shares]");
  await act(() => {
    if (field !== null) field.value = "5";
    field?.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const before = sent.length;
  const enter = () => act(() => void place.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true })));
  await enter();
  await passed();
  expect(sent).toHaveLength(before);
  // Given up, the ticket's own order goes out.
  await act(() => place.querySelector<HTMLButtonElement>("[data-lost] button:last-child")?.click());
  await enter();
  await passed();
  expect(sent.at(-1)?.body.shares).toBe("5");
  render(null, place);
  place.remove();
});
