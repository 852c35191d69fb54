// What whoever is signed in prefers, kept by the exchange for every browser: the trade page's layout, how
// prices and times are shown, whether the ticket asks first, whether there are sounds.
//
// Laws: what is chosen while what is kept is still being read wins; without an answer what is in this browser
// stays, but for what makes sending easier or the page loud: of nobody else is that taken.
// Preferences are replaced whole, so they are read anew before some of them are changed; one choice is
// written after the other, and none for anybody but whose it is.

import { batch, effect, type Signal } from "@preact/signals";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { Preferences } from "@/api/schema";
import { LOCAL_ZONE, confirmOrders, layout, priceFormat, sounds, timeZone } from "@/shell/preferences";
import { notify } from "@/shell/notices";
import { t } from "@/shell/texts";
import { isSignedIn, user } from "./session";

/** What is followed, as the exchange has it where nothing was chosen. */
const DEFAULTS = { layout: "pro", timeZone: LOCAL_ZONE, priceFormat: "price", confirmOrders: true, sounds: false } as const satisfies Preferences;
type Key = keyof typeof DEFAULTS;
type Followed = { readonly [K in Key]: NonNullable<Preferences[K]> };
const KEYS: readonly Key[] = ["layout", "timeZone", "priceFormat", "confirmOrders", "sounds"];
const SIGNALS: { readonly [K in Key]: Signal<Followed[K]> } = { layout, timeZone, priceFormat, confirmOrders, sounds };

function followed(kept: Preferences): Followed {
  return { ...DEFAULTS, ...Object.fromEntries(KEYS.filter((key) => kept[key] !== undefined).map((key) => [key, kept[key]])) };
}

function chosenNow(): Followed {
  return { layout: layout.value, timeZone: timeZone.value, priceFormat: priceFormat.value, confirmOrders: confirmOrders.value, sounds: sounds.value };
}

function peeked(): Followed {
  return Object.fromEntries(KEYS.map((key) => [key, SIGNALS[key].peek()])) as unknown as Followed;
}

/** What of `now` isn't as in `before`. */
function changes(now: Followed, before: Followed): Partial<Followed> {
  return Object.fromEntries(KEYS.filter((key) => now[key] !== before[key]).map((key) => [key, now[key]]));
}

function show(found: Partial<Followed>): void {
  batch(() => {
    for (const key of KEYS) if (found[key] !== undefined) (SIGNALS[key] as Signal<unknown>).value = found[key];
  });
}

/** The last writing, which the next one waits for. */
let writing: Promise<unknown> = Promise.resolve();

/** Change some of what is kept for somebody, if it is they who are signed in; the others stay. */
export function keepPreferences(id: string, change: Preferences): Promise<void> {
  const isTheirs = () => user.peek()?.id === id;
  const written = writing.then(async () => {
    if (!isTheirs()) return;
    const { data } = await rest.call("get", "/users/me/preferences");
    if (isTheirs()) await rest.call("put", "/users/me/preferences", { body: { ...data, ...change } });
  });
  writing = written.catch(() => undefined);
  return written;
}

/** Follow who is signed in and what they choose, until the returned function is called. */
export function followPreferences(): () => void {
  let whose: string | null = null;
  /** What the exchange keeps; null until it is known. */
  let known: Followed | null = null;
  /** What was here when it was asked for first, and whether that goes on. */
  let before = peeked();
  let isAsking = false;
  const save = (id: string, change: Partial<Followed>) => {
    if (known !== null) known = { ...known, ...change };
    void keepPreferences(id, change).catch((thrown: unknown) => {
      // This browser shows it all the same; others won't.
      if (whose === id) notify("bad", t("choiceNotKept"), asApiError(thrown).message);
    });
  };
  const take = async (id: string) => {
    const { data } = await rest.call("get", "/users/me/preferences");
    if (whose !== id) return;
    const chosen = changes(peeked(), before);
    known = followed(data);
    const found = Object.fromEntries(Object.entries(known).filter(([key]) => !(key in chosen)));
    show(found);
    const change = changes({ ...known, ...chosen }, known);
    if (Object.keys(change).length > 0) save(id, change);
  };
  const ask = (id: string, isAgain: boolean) => {
    isAsking = true;
    void take(id).catch((thrown: unknown) => {
      // Asked again with the next choice, or the next page.
      if (whose !== id) return;
      isAsking = false;
      if (isAgain) notify("bad", t("choiceNotKept"), asApiError(thrown).message);
    });
  };
  return effect(() => {
    const now = chosenNow();
    const id = isSignedIn.value ? (user.value?.id ?? null) : null;
    if (id !== whose) {
      whose = id;
      known = null;
      const own = { confirmOrders: DEFAULTS.confirmOrders, sounds: DEFAULTS.sounds };
      show(own);
      before = { ...now, ...own };
      if (id !== null) ask(id, false);
    } else if (id !== null && known === null && !isAsking && Object.keys(changes(now, before)).length > 0) {
      ask(id, true);
    } else if (id !== null && known !== null) {
      const change = changes(now, known);
      if (Object.keys(change).length > 0) save(id, change);
    }
  });
}
