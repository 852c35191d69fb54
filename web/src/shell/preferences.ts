// How this browser likes the terminal to look and behave; kept in it, read once at the start.
//
// Laws: an unknown or broken value is the default; nothing of a person is kept here.

import { effect, signal, type Signal } from "@preact/signals";
import { LANGUAGES, language, nearestLanguage, type Language } from "./language";

export const THEMES = ["system", "dark", "light"] as const;
export const PALETTES = ["green-up", "red-up", "colour-blind"] as const;
export const LAYOUTS = ["pro", "simple"] as const;
export const PRICE_FORMATS = ["price", "percent", "cents", "odds"] as const;
export type PriceFormat = (typeof PRICE_FORMATS)[number];
export type Theme = (typeof THEMES)[number];
export type Palette = (typeof PALETTES)[number];
export type Layout = (typeof LAYOUTS)[number];

const PREFIX = "probity.";

/** A signal whose value is one of `choices` and outlives the page. */
export function remembered<T extends string>(key: string, choices: readonly T[], fallback: T): Signal<T> {
  const before = kept(key);
  const made = signal(choices.find((choice) => choice === before) ?? fallback);
  made.subscribe((value) => keep(key, value));
  return made;
}

/** A text that outlives the page. */
export function rememberedText(key: string, fallback: string): Signal<string> {
  const made = signal(kept(key) ?? fallback);
  made.subscribe((value) => keep(key, value));
  return made;
}

/** A number between `least` and `most` that outlives the page; null for none. */
export function rememberedNumber(key: string, least: number, most: number, fallback: number | null): Signal<number | null> {
  const before = kept(key);
  const number = before === null || before === "" ? Number.NaN : Number(before);
  const made = signal(number >= least && number <= most ? number : before === "" ? null : fallback);
  made.subscribe((value) => keep(key, value === null ? "" : String(value)));
  return made;
}

/** A switch that outlives the page. */
export function rememberedSwitch(key: string, fallback: boolean): Signal<boolean> {
  const made = signal((kept(key) ?? String(fallback)) === "true");
  made.subscribe((value) => keep(key, String(value)));
  return made;
}

/** What is kept here under a key, null for nothing. */
export function kept(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null; // storage is off in this browser: nothing is remembered
  }
}

/** Keep a text under a key; null takes it away. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
  } catch {
    // storage is off in this browser: nothing is remembered
  }
}

/** Whether another page of this browser has changed what is kept under a key. */
export function isKept(event: StorageEvent, key: string): boolean {
  return event.key === PREFIX + key;
}

export const theme = remembered<Theme>("theme", THEMES, "system");
export const palette = remembered<Palette>("palette", PALETTES, "green-up");
export const layout = remembered<Layout>("layout", LAYOUTS, "pro");

/** How prices are shown and typed. */
export const priceFormat = remembered<PriceFormat>("priceFormat", PRICE_FORMATS, "price");
/** The zone of the times that are shown: a zone's name, or `local` for that of whoever looks. */
export const LOCAL_ZONE = "local";
export const timeZone = rememberedText("timeZone", LOCAL_ZONE);
/** Whether the ticket asks before an order goes out: it does until somebody's own word to the contrary is known. */
export const confirmOrders = signal(true);
/** Whether the page makes sounds: it doesn't until somebody's own word to the contrary is known. */
export const sounds = signal(false);

/** Which theme is shown now: what is preferred, or what the system has. */
export const shownTheme = signal<"dark" | "light">("dark");

/** Put preferences on the page and keep them there. */
export function applyPreferences(): void {
  const chosen = remembered<Language>("language", LANGUAGES, nearestLanguage(navigator.languages));
  language.value = chosen.peek();
  language.subscribe((value) => {
    chosen.value = value;
    document.documentElement.lang = value;
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const system = signal(dark.matches);
  dark.addEventListener("change", (event) => {
    system.value = event.matches;
  });
  effect(() => {
    const isDark = theme.value === "dark" || (theme.value === "system" && system.value);
    document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
    document.documentElement.dataset["palette"] = palette.value;
    shownTheme.value = isDark ? "dark" : "light";
  });
}
