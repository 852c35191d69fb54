// Everything live begins here, once it was asked who is signed in.

import { followToday } from "@/ticket/today";
import { startAccount } from "./account";
import { startAlerts } from "./alerts";
import { line } from "./line";

export function startFeed(): void {
  line.start();
  startAccount();
  startAlerts();
  followToday();
}
