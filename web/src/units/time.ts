// Times in the reader's language, and in the zone that the reader chose: the device's own, UTC, or any other.
//
// Law: a zone that this browser doesn't know is the device's own.

import { computed } from "@preact/signals";
import { language } from "@/shell/language";
import { LOCAL_ZONE, timeZone } from "@/shell/preferences";

const made = new Map<string, Intl.DateTimeFormat>();

/** The zone that times are shown in; undefined for the device's own. */
const zone = computed(() => (timeZone.value !== LOCAL_ZONE && isZone(timeZone.value) ? timeZone.value : undefined));

/** Whether this browser knows a zone of that name. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function formatter(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.value} ${zone.value ?? ""} ${kind}`;
  let found = made.get(key);
  if (found === undefined) {
    const inZone = zone.value === undefined ? options : { ...options, timeZone: zone.value };
    found = new Intl.DateTimeFormat(language.value === "en" ? "en-GB" : language.value, inZone);
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

/** "27 Nov". */
export function dayOfYear(when: When): string {
  return formatter("dayOfYear", { day: "numeric", month: "short" }).format(new Date(when));
}

/** "27 Nov 2026, 14:05" with the zone, for what must not be mistaken. */
export function moment(when: When): string {
  return formatter("moment", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(new Date(when));
}

/** "27 Nov 2026, 14:05:09.123" with the zone, for what is disputed. */
export function exact(when: When): string {
  return formatter("exact", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, timeZoneName: "short" }).format(new Date(when));
}

/** By how many milliseconds the clocks of the reader's zone are ahead of UTC at a moment. */
function aheadAt(moment: number, name: string): number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  const parts = Object.fromEntries(format.formatToParts(moment).map((part) => [part.type, Number(part.value)]));
  const shown = Date.UTC(parts["year"] ?? 0, (parts["month"] ?? 1) - 1, parts["day"], parts["hour"], parts["minute"], parts["second"]);
  return shown - Math.floor(moment / 1_000) * 1_000;
}

/** The moment that "2026-11-27T14:05" is in the reader's zone, as `<input type="datetime-local">` has it; an invalid Date for what is none. */
export function momentOf(typed: string): Date {
  const name = zone.value;
  if (name === undefined) return new Date(typed);
  const asUtc = Date.parse(`${typed}Z`);
  if (Number.isNaN(asUtc)) return new Date(Number.NaN);
  // The offset is that of the moment sought, which the first guess may miss by a change of the clocks.
  const guess = asUtc - aheadAt(asUtc, name);
  return new Date(asUtc - aheadAt(guess, name));
}

/** A moment as `<input type="datetime-local">` has it, to the second, in the reader's zone: what `momentOf` takes. */
export function typedMoment(when: When): string {
  const moment = new Date(when).getTime();
  const name = zone.value;
  const aheadMs = name === undefined ? -new Date(moment).getTimezoneOffset() * 60_000 : aheadAt(moment, name);
  return new Date(moment + aheadMs).toISOString().slice(0, 19);
}

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const SIZES_MS = [DAY_MS, 3_600_000, 60_000] as const;
const LETTERS = { en: { year: "y", units: ["d", "h", "m"] }, de: { year: "J", units: ["T", "h", "m"] } } as const;

/** How long it is until then in two units at most: "3d 4h", in German "3T 4h"; years alone where it is two and more; "0m" when it is over. */
export function untilThen(when: When, now: number): string {
  let left = Math.max(0, new Date(when).getTime() - now);
  const { year, units } = LETTERS[language.value];
  if (left >= 2 * YEAR_MS) return `${Math.floor(left / YEAR_MS)}${year}`;
  const parts: string[] = [];
  for (const [place, size] of SIZES_MS.entries()) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count}${units[place]}`);
    if (size === DAY_MS && count > 60) break;
  }
  return parts.join(" ") || "0m";
}
