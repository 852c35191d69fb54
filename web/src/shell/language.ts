// Texts by language. Each room has one file `texts.ts` with its catalogue; the types see to it that
// every language has every text.
//
//   export const t = catalogue({ hello: "Hello {name}" }, { hello: "Hallo {name}" });
//   t("hello", { name: "Ada" })
//
// Reading a text inside a component subscribes it to the language.

import { signal } from "@preact/signals";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

export const language = signal<Language>("en");

export type Values = Readonly<Record<string, string | number>>;

/** Make the function that finds a room's texts; `{name}` in a text is replaced by a value. */
export function catalogue<K extends string>(
  en: Readonly<Record<K, string>>,
  de: Readonly<Record<NoInfer<K>, string>>,
): (key: K, values?: Values) => string {
  const all = { en, de };
  return (key, values) => {
    const text = all[language.value][key];
    return values === undefined ? text : fill(text, values);
  };
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The first language of ours among what a browser or a profile names, English else. */
export function nearestLanguage(named: readonly string[]): Language {
  for (const tag of named) {
    const found = LANGUAGES.find((ours) => ours === tag.slice(0, 2).toLowerCase());
    if (found !== undefined) return found;
  }
  return "en";
}
