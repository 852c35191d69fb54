// Everything live begins here, once it was asked who is signed in.

import { followPreferences } from "@/session/ownPreferences";
import { awaitTouch, play } from "@/shell/sounds";
import { followToday } from "@/ticket/today";
import { fillListeners, startAccount } from "./account";
import { startAlerts } from "./alerts";
import { line } from "./line";

export function startFeed(): void {
  line.start();
  startAccount();
  startAlerts();
  followToday();
  followPreferences();
  awaitTouch();
  fillListeners.add(() => play("fill"));
}
