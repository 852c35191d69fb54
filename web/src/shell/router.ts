// Where one is: the address bar is the only truth, and a link is an ordinary `<a href>`.
//
// Law: who goes to another page is at its beginning, as with any link: the page is scrolled up and its content
// has the focus, so that a screen reader reads it and Tab goes on from there.

import { computed, signal } from "@preact/signals";

/** The id of the element that pages are shown in. */
export const CONTENT = "content";

export type Parameters = Readonly<Record<string, string>>;

const here = signal(locationNow());

function locationNow(): string {
  return typeof location === "undefined" ? "/" : location.pathname + location.search;
}

/** The path of now, e.g. "/trade/rain". */
export const path = computed(() => here.value.split("?")[0] ?? "/");
/** The query of now. */
export const query = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));

/** Go to an address of the terminal; `replace` leaves no step to go back to. */
export function navigate(href: string, replace = false): void {
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  const before = path.peek();
  here.value = locationNow();
  if (replace) return;
  scrollTo(0, 0);
  if (path.peek() !== before) document.getElementById(CONTENT)?.focus({ preventScroll: true });
}

/** Where a query asks to be led: a path of this origin as the browser itself reads it, the markets else. */
export function destination(asked: string | null, origin = location.origin): string {
  if (asked?.startsWith("/") !== true || !URL.canParse(asked, origin)) return "/";
  // A browser drops tabs and newlines and takes "\\" for "/", so only what it makes of the text counts.
  const url = new URL(asked, origin);
  return url.origin === origin && !url.pathname.startsWith("//") ? url.pathname + url.search + url.hash : "/";
}

/** Change one value of the query in place; null takes it away. */
export function setQuery(name: string, value: string | null): void {
  const asked = new URLSearchParams(query.peek());
  if (value === null || value === "") asked.delete(name);
  else asked.set(name, value);
  const text = asked.toString();
  navigate(path.peek() + (text ? `?${text}` : ""), true);
}

/** The values of `{name}`s if a path has the pattern's form, else null. */
export function matched(pattern: string, at: string): Parameters | null {
  const wanted = pattern.split("/");
  const given = at.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== given.length) return null;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith("{")) {
      if (value === "") return null;
      values[part.slice(1, -1)] = decoded(value);
    } else if (part !== value) return null;
  }
  return values;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Whether a path is a page of the terminal's own rather than a file of the exchange's. */
type Owns = (path: string) => boolean;

/** Follow links within the page, and the browser's back and forward. */
export function followLinks(owns: Owns): void {
  addEventListener("popstate", () => {
    here.value = locationNow();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest("a");
    if (link?.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || !owns(url.pathname)) return;
    if (url.hash !== "" && url.pathname === location.pathname) return;
    event.preventDefault();
    navigate(url.pathname + url.search);
  });
}
