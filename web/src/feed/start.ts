// Everything live begins here, once it was asked who is signed in.

import { followToday } from "@/ticket/today";
import { startAccount } from "./account";
import { line } from "./line";

export function startFeed(): void {
  line.start();
  startAccount();
  followToday();
}
