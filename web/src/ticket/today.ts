// What the day has lost so far: the equity that this browser saw first today, less that of now.
//
// Laws: a day is the device's own; of each person one beginning is kept, that of the last day on which they
// were here. What was measured of one person is never taken for another's.

import { computed, effect, signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { fills } from "@/feed/account";
import { now } from "@/feed/line";
import { isSignedIn, user } from "@/session/session";
import { keep, kept } from "@/shell/preferences";
import { watch } from "@/shell/watch";
import { cashOf, cashText, parseCash } from "@/units/money";
import { guardMode } from "./guardrails";

/** In units of money; 0 or less: the day has gained. */
export const lostToday = signal(0n);

const today = computed(() => new Date(now.value).toDateString());

/** What somebody had when a day began here, in units of money; null if nothing was seen that day. */
function begunWith(id: string, day: string): bigint | null {
  const [on, equity] = (kept(`equity.${id}`) ?? "").split("|");
  return on === day ? parseCash(equity ?? "") : null;
}

async function measure(id: string, day: string): Promise<void> {
  try {
    const { data } = await rest.call("get", "/user/portfolio");
    if (user.peek()?.id !== id || today.peek() !== day) return;
    const equity = cashOf(data.equity);
    const begun = begunWith(id, day);
    if (begun === null) keep(`equity.${id}`, `${day}|${cashText(equity)}`);
    lostToday.value = (begun ?? equity) - equity;
  } catch {
    // The next fill measures again.
  }
}

/** Measure at the start, after fills and when a day begins, as long as a guardrail asks for it. */
export function followToday(): () => void {
  let whose: string | null = null;
  return effect(() => {
    watch(fills);
    const id = isSignedIn.value ? (user.value?.id ?? null) : null;
    if (id !== whose) lostToday.value = 0n;
    whose = id;
    if (id !== null && guardMode.value !== "off") void measure(id, today.value);
  });
}
