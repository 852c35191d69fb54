// How this browser likes the terminal to look and behave; kept in it, read once at the start.
//
// Laws: an unknown or broken value is the default; nothing of a person is kept here.

import { effect, signal, type Signal } from "@preact/signals";
import { LANGUAGES, language, nearestLanguage, type Language } from "./language";

export const THEMES = ["system", "dark", "light"] as const;
export const PALETTES = ["green-up", "red-up", "colour-blind"] as const;
export const LAYOUTS = ["pro", "simple"] as const;
export type Theme = (typeof THEMES)[number];
export type Palette = (typeof PALETTES)[number];
export type Layout = (typeof LAYOUTS)[number];

const PREFIX = "probity.";

/** A signal whose value is one of `choices` and outlives the page. */
export function remembered<T extends string>(key: string, choices: readonly T[], fallback: T): Signal<T> {
  const kept = stored(key);
  const made = signal(choices.find((choice) => choice === kept) ?? fallback);
  made.subscribe((value) => store(key, value));
  return made;
}

/** A number between `least` and `most` that outlives the page; null for none. */
export function rememberedNumber(key: string, least: number, most: number, fallback: number | null): Signal<number | null> {
  const kept = stored(key);
  const number = kept === null || kept === "" ? Number.NaN : Number(kept);
  const made = signal(number >= least && number <= most ? number : kept === "" ? null : fallback);
  made.subscribe((value) => store(key, value === null ? "" : String(value)));
  return made;
}

/** A switch that outlives the page. */
export function rememberedSwitch(key: string, fallback: boolean): Signal<boolean> {
  const made = signal((stored(key) ?? String(fallback)) === "true");
  made.subscribe((value) => store(key, String(value)));
  return made;
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null; // storage is off in this browser: nothing is remembered
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // storage is off in this browser: nothing is remembered
  }
}

export const theme = remembered<Theme>("theme", THEMES, "system");
export const palette = remembered<Palette>("palette", PALETTES, "green-up");
export const layout = remembered<Layout>("layout", LAYOUTS, "pro");

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
