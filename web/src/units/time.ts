// Times in the reader's zone and language.

import { language } from "@/shell/language";

const made = new Map<string, Intl.DateTimeFormat>();

function formatter(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.value} ${kind}`;
  let found = made.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(language.value === "en" ? "en-GB" : language.value, options);
    made.set(key, found);
  }
  return found;
}

type When = string | number | Date;

/** "14:05:09". */
export function clock(when: When): string {
  return formatter("clock", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(when));
}

/** "27 Nov 2026". */
export function day(when: When): string {
  return formatter("day", { day: "numeric", month: "short", year: "numeric" }).format(new Date(when));
}

/** "27 Nov 2026, 14:05" with the zone, for what must not be mistaken. */
export function moment(when: When): string {
  return formatter("moment", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(new Date(when));
}

/** "27 Nov 2026, 14:05:09.123" with the zone, for what is disputed. */
export function exact(when: When): string {
  return formatter("exact", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, timeZoneName: "short" }).format(new Date(when));
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

/** How long it is until then in two units at most: "3d 4h"; "0m" when it is over. */
export function untilThen(when: When, now: number): string {
  let left = Math.max(0, new Date(when).getTime() - now);
  const parts: string[] = [];
  for (const [letter, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count}${letter}`);
    if (letter === "d" && count > 60) break;
  }
  return parts.join(" ") || "0m";
}
