// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SignedInView } from "@/api/schema";
import { Credits } from "@/rewards/Credits";
import { signedIn } from "@/session/session";

const KEPT = "probity.attempt.purchase.7";
let place: HTMLElement;
let bought: Record<string, unknown>[] = [];

beforeEach(() => {
  sessionStorage.clear();
  bought = [];
  signedIn({ user: { id: "7", role: "USER" }, accessToken: "t", expiresIn: 1_000 } as unknown as SignedInView);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (!path.endsWith("/purchases")) return Promise.resolve(Response.json({ success: true, data: [], nextCursor: null, meta: {} }));
    bought.push(JSON.parse(init.body as string) as Record<string, unknown>);
    return Promise.resolve(Response.json({ success: true, data: { id: "1", credits: "500.000000", replayed: true }, meta: {} }, { status: 201 }));
  });
  place = document.createElement("div");
  document.body.append(place);
});
afterEach(() => {
  render(null, place);
  place.remove();
  vi.unstubAllGlobals();
});

const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 20)));

test("a purchase without an answer is asked for again also where nothing is sold any more", async () => {
  sessionStorage.setItem(KEPT, JSON.stringify({ id: "web-1", body: { packageId: "starter", paymentMethod: "test-card" }, whose: "7", isLost: true }));
  await act(() => render(<Credits />, place));
  await settled();
  const lost = place.querySelector("[data-lost]");
  expect(lost).not.toBeNull();
  await act(() => lost?.querySelector<HTMLButtonElement>("button.primary")?.click());
  await settled();
  expect(bought).toEqual([{ packageId: "starter", paymentMethod: "test-card", requestId: "web-1" }]);
  expect([place.querySelector("[data-lost]"), sessionStorage.getItem(KEPT)]).toEqual([null, null]);
  expect(place.querySelector(".empty")).not.toBeNull();
});
