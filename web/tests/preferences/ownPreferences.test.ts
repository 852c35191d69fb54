// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { rest } from "@/api/rest";
import type { SignedInView } from "@/api/schema";
import { signedIn } from "@/session/session";
import { confirmOrders, layout, priceFormat, sounds, timeZone } from "@/shell/preferences";
import { followPreferences, keepPreferences } from "@/session/ownPreferences";

const signedInAs = (id: string) => signedIn({ user: { id }, accessToken: "t", expiresIn: 900 } as SignedInView);
const said = vi.hoisted(() => [] as string[]);
vi.mock("@/shell/notices", () => ({ notify: (_: string, text: string) => said.push(text) }));
const puts: unknown[] = [];
let answer: () => unknown = () => ({});
let stop: () => void = () => undefined;
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  puts.length = 0;
  layout.value = "pro";
  priceFormat.value = "price";
  vi.spyOn(rest, "call").mockImplementation(((method: string, _: string, options: { body?: unknown }) => {
    if (method === "put") puts.push(options.body);
    return Promise.resolve(method === "put" ? {} : answer()).then((data) => ({ data }));
  }) as never);
});
afterEach(() => {
  stop();
  vi.restoreAllMocks();
});

test("who signs in finds the layout chosen last, and another choice is kept beside all else", async () => {
  answer = () => ({ layout: "simple", theme: "dark" });
  signedInAs("ann");
  stop = followPreferences();
  await settled();
  expect(layout.value).toBe("simple");
  expect(puts).toEqual([]);
  layout.value = "pro";
  await settled();
  await settled();
  expect(puts).toEqual([{ layout: "pro", theme: "dark" }]);
});

test("what is chosen while the kept one is read wins", async () => {
  let let1Go: (kept: unknown) => void = () => undefined;
  answer = () => new Promise((resolve) => (let1Go = resolve));
  signedInAs("bob");
  stop = followPreferences();
  layout.value = "simple";
  answer = () => ({ layout: "pro" });
  let1Go({ layout: "pro" });
  await settled();
  await settled();
  expect(layout.value).toBe("simple");
  expect(puts).toEqual([{ layout: "simple" }]);
});

test("of two choices in a row the last one is kept, however long the first one's writing takes", async () => {
  answer = () => ({ layout: "pro" });
  signedInAs("cid");
  stop = followPreferences();
  await settled();
  let let1Go: (kept: unknown) => void = () => undefined;
  answer = () => new Promise((resolve) => (let1Go = resolve));
  layout.value = "simple";
  await settled();
  answer = () => ({ layout: "pro" });
  layout.value = "pro";
  await settled();
  let1Go({ layout: "pro" });
  await settled();
  await settled();
  expect(puts.at(-1)).toEqual({ layout: "pro" });
});

test("nobody's preferences are written to somebody else who signed in meanwhile", async () => {
  answer = () => ({ layout: "pro", profile: "of dan" });
  signedInAs("dan");
  stop = followPreferences();
  await settled();
  let let1Go: (kept: unknown) => void = () => undefined;
  answer = () => new Promise((resolve) => (let1Go = resolve));
  layout.value = "simple";
  await settled();
  answer = () => ({ layout: "simple" });
  signedInAs("eve");
  let1Go({ layout: "pro", profile: "of dan" });
  await settled();
  await settled();
  expect(puts).toEqual([]);
});

test("all that is kept is shown, and what is chosen here is written alone", async () => {
  answer = () => ({ layout: "pro", timeZone: "Europe/Vienna", priceFormat: "cents", confirmOrders: false, sounds: true, theme: "dark" });
  signedInAs("fay");
  stop = followPreferences();
  await settled();
  expect([timeZone.value, priceFormat.value, confirmOrders.value, sounds.value]).toEqual(["Europe/Vienna", "cents", false, true]);
  sounds.value = false;
  await settled();
  await settled();
  expect(puts).toEqual([{ layout: "pro", timeZone: "Europe/Vienna", priceFormat: "cents", confirmOrders: false, sounds: false, theme: "dark" }]);
});

test("whoever comes next is asked before an order goes out, and hears nothing, until their own word is known", async () => {
  answer = () => ({ confirmOrders: false, sounds: true });
  signedInAs("gus");
  stop = followPreferences();
  await settled();
  answer = () => Promise.reject(new Error("away"));
  signedInAs("hal");
  await settled();
  expect([confirmOrders.value, sounds.value]).toEqual([true, false]);
  expect(puts).toEqual([]);
});

test("some are changed and the others stay", async () => {
  answer = () => ({ theme: "dark", timeZone: "Europe/Vienna", confirmOrders: false });
  signedInAs("ida");
  await keepPreferences("ida", { theme: "light" });
  await keepPreferences("somebody else", { theme: "system" });
  expect(puts).toEqual([{ theme: "light", timeZone: "Europe/Vienna", confirmOrders: false }]);
});

test("a choice that couldn't be kept says so", async () => {
  answer = () => ({ layout: "pro" });
  signedInAs("eve");
  stop = followPreferences();
  await settled();
  answer = () => Promise.reject(new Error("away"));
  layout.value = "simple";
  await settled();
  await settled();
  expect(layout.value).toBe("simple");
  expect(said).toEqual(["What you chose is kept in this browser alone"]);
});

test("a choice is kept though what was kept couldn't be read at first, and it is said if it can't be", async () => {
  answer = () => Promise.reject(new Error("away"));
  signedInAs("hal");
  stop = followPreferences();
  await settled();
  said.length = 0;
  layout.value = "simple";
  await settled();
  expect(said).toEqual(["What you chose is kept in this browser alone"]);
  answer = () => ({ layout: "pro", theme: "dark" });
  priceFormat.value = "cents";
  await settled();
  await settled();
  expect(puts).toEqual([{ layout: "simple", priceFormat: "cents", theme: "dark" }]);
  expect(layout.value).toBe("simple");
});
