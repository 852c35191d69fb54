// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ListedMarketView, SignedInView } from "@/api/schema";
import { BetDesk } from "@/bets/betDesk";
import { BetForm } from "@/bets/BetForm";
import { signedIn } from "@/session/session";

const LABELS = { THIS: "Yes", THAT: "No" };
let prices: string[] = [];
let bets: Record<string, unknown>[] = [];
let place: HTMLElement;

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  bets = [];
  signedIn({ user: { id: "7", role: "USER" }, accessToken: "t", expiresIn: 1_000 } as unknown as SignedInView);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (path.includes("/bets/quote")) {
      const price = (prices.length > 1 ? prices.shift() : prices[0]) ?? "0.5";
      return Promise.resolve(Response.json({ success: true, data: { averagePrice: price, worstPrice: price, shares: "10", payout: "10", profit: "1", cost: "5", fee: "0", reason: null } }));
    }
    if (!path.endsWith("/bets")) return Promise.resolve(Response.json({ success: true, data: [], meta: {} }));
    bets.push(JSON.parse(init.body as string) as Record<string, unknown>);
    return Promise.resolve(Response.json({ success: false, error: { code: "WORST_PRICE", message: "moved", details: [] } }, { status: 422 }));
  });
  place = document.createElement("div");
  document.body.append(place);
});
afterEach(() => {
  render(null, place);
  place.remove();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const passed = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms) as unknown as Promise<void>);

test("after a refusal nothing is bet until its price has been seen", async () => {
  prices = ["0.5000", "0.9000"];
  const desk = new BetDesk(signal({ id: "7", slug: "m", status: "OPEN" } as ListedMarketView), "THIS");
  await act(() => render(<BetForm desk={desk} labels={LABELS} />, place));
  const button = () => place.querySelector<HTMLButtonElement>("[data-place]");
  const submit = () => act(() => void place.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true })));
  await passed(300);
  expect(button()?.disabled).toBe(false);
  await submit();
  await passed(6_000);
  expect(bets.map((bet) => bet["maxPrice"])).toEqual(["0.5000"]);
  // Asked anew meanwhile, the price is another one, and the refusal stands where it will be shown.
  expect(place.querySelector("[data-refused]")).not.toBeNull();
  expect(button()?.disabled).toBe(true);
  await submit();
  await passed(0);
  expect(bets).toHaveLength(1);
  await act(() => place.querySelector<HTMLButtonElement>("[data-look]")?.click());
  expect(place.querySelector("[data-quote]")?.textContent).toContain("0.90");
  expect(button()?.disabled).toBe(false);
  await submit();
  await passed(0);
  expect(bets.map((bet) => bet["maxPrice"])).toEqual(["0.5000", "0.9000"]);
  desk.close();
});
