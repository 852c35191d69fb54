// Everything live begins here, once who is signed in is known.

import { effect } from "@preact/signals";
import { standing } from "@/session/session";
import { followToday } from "@/ticket/today";
import { startAccount } from "./account";
import { line } from "./line";

export function startFeed(): void {
  const stop = effect(() => {
    if (standing.value === "unknown") return;
    queueMicrotask(() => stop());
    line.start();
    startAccount();
    followToday();
  });
}
