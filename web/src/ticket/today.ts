// What the day has lost so far: the equity that this browser saw first today, less that of now.

import { watch } from "@/shell/watch";
import { effect, signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { fills } from "@/feed/account";
import { isSignedIn, user } from "@/session/session";
import { cashOf, cashText, parseCash } from "@/units/money";
import { guardMode } from "./guardrails";

/** In units of money; 0 or less: the day has gained. */
export const lostToday = signal(0n);

async function measure(): Promise<void> {
  try {
    const { data } = await rest.call("get", "/user/portfolio");
    const equity = cashOf(data.equity);
    const key = `probity.equity.${user.peek()?.id ?? ""}.${new Date().toDateString()}`;
    const begun = parseCash(localStorage.getItem(key) ?? "");
    if (begun === null) localStorage.setItem(key, cashText(equity));
    lostToday.value = (begun ?? equity) - equity;
  } catch {
    // The next fill measures again.
  }
}

/** Measure at the start and after fills, as long as a guardrail asks for it. */
export function followToday(): void {
  effect(() => {
    watch(fills);
    if (isSignedIn.value && guardMode.value !== "off") void measure();
  });
}
