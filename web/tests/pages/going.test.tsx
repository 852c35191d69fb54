// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "@/shell/App";
import { language } from "@/shell/language";
import { navigate, setQuery } from "@/shell/router";

const root = document.createElement("div");

beforeEach(() => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  vi.stubGlobal("scrollTo", () => undefined);
  document.body.append(root);
  navigate("/portfolio", true);
  void act(() => render(<App />, root));
});
afterEach(() => {
  void act(() => render(null, root));
  language.value = "en";
  vi.unstubAllGlobals();
});

test("each page has a title of its own, in the reader's language", () => {
  const titles = ["/portfolio", "/alerts/webhooks", "/developers/errors", "/sign-in", "/account/keys", "/nowhere"].map((path) => {
    void act(() => navigate(path));
    return document.title;
  });
  expect(titles).toEqual(["Portfolio", "Alerts", "Developers", "Sign in", "Account", "There is no such page"].map((name) => `${name} · Probity`));
  void act(() => navigate("/alerts"));
  void act(() => void (language.value = "de"));
  expect(document.title).toBe("Alarme · Probity");
});

test("who goes to another page is at the beginning of its content; a filter leaves the focus where it is", () => {
  void act(() => navigate("/alerts"));
  expect(document.activeElement?.id).toBe("content");
  const field = document.createElement("input");
  root.append(field);
  field.focus();
  void act(() => setQuery("q", "rain"));
  expect(document.activeElement).toBe(field);
  field.remove();
});
