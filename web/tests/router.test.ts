import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { destination, matched } from "@/shell/router";
import { ROUTES } from "@/shell/routes";

test("a pattern gives the values of its names", () => {
  expect(matched("/trade/{market}", "/trade/rain%20or%20not")).toEqual({ market: "rain or not" });
  expect(matched("/trade/{market}", "/trade/")).toBeNull();
  expect(matched("/trade/{market}", "/trade/rain/more")).toBeNull();
  expect(matched("/", "/")).toEqual({});
  expect(matched("/portfolio", "/portfolio/")).toEqual({});
});

test("the exchange serves the page at every path that has one", () => {
  const source = readFileSync(new URL("../../gateway/site/terminal.py", import.meta.url), "utf8");
  const named = /PAGES: Final = \(([^)]*)\)/.exec(source)?.[1] ?? "";
  const served = [...named.matchAll(/"([^"]+)"/g)].map((found) => found[1] ?? "");
  expect([...served, "/"].sort()).toEqual(ROUTES.map((route) => route.pattern).sort());
});

const ORIGIN = "https://exchange.example";

test("a query leads to paths of this origin", () => {
  for (const asked of ["/portfolio", "/trade/rain?side=NO#top", "/welcome?next=//evil.example"]) expect(destination(asked, ORIGIN)).toBe(asked);
});

test.each([null, "", "portfolio", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\\evil.example", "\t//evil.example", "/.//evil.example", "/..//evil.example", "//exchange.example:1", "//["])(
  "a query that asks for %j leads to the markets",
  (asked) => expect(destination(asked, ORIGIN)).toBe("/"),
);
