// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { rest } from "@/api/rest";
import type { SignedInView } from "@/api/schema";
import { signedIn } from "@/session/session";
import { layout } from "@/shell/preferences";
import { followLayout } from "@/trade/ownLayout";

const signedInAs = (id: string) => signedIn({ user: { id }, accessToken: "t", expiresIn: 900 } as SignedInView);
const puts: unknown[] = [];
let answer: () => unknown = () => ({});
let stop: () => void = () => undefined;
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  puts.length = 0;
  layout.value = "pro";
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
  stop = followLayout();
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
  stop = followLayout();
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
  stop = followLayout();
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
  stop = followLayout();
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
