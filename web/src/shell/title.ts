// A page's title, of the page itself: the shell names the section alone, before any page does.

import { useEffect } from "preact/hooks";
import { language } from "./language";
import { path } from "./router";

export const titled = (text: string) => `${text} · Probity`;

/** Name the page once it knows what it shows; until then (null) the section's name stays. */
export function useTitle(text: string | null | undefined): void {
  const [where, spoken] = [path.value, language.value];
  useEffect(() => {
    if (text !== null && text !== undefined) document.title = titled(text);
  }, [text, where, spoken]);
}
