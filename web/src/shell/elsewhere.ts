// Parts of the terminal for which the bar below has no room on a phone: they stand behind "More" there.

import { isAdmin } from "@/session/session";
import type { IconName } from "./Icon";
import type { Section } from "./routes";

export interface Entry<K extends string = "stocks" | "boards" | "research" | "backtests" | "proof" | "admin" | "developers"> {
  readonly section: Section;
  readonly href: string;
  readonly text: K;
  readonly icon: IconName;
}

const STOCKS: Entry = { section: "stocks", href: "/stocks", text: "stocks", icon: "stocks" };
const BOARDS: Entry = { section: "boards", href: "/leaderboard", text: "boards", icon: "boards" };
const RESEARCH: Entry = { section: "research", href: "/research", text: "research", icon: "research" };
const BACKTESTS: Entry = { section: "backtests", href: "/backtests", text: "backtests", icon: "backtests" };
const PROOF: Entry = { section: "proof", href: "/proof", text: "proof", icon: "proof" };
const ADMIN: Entry = { section: "admin", href: "/admin", text: "admin", icon: "admin" };
const DEVELOPERS: Entry = { section: "developers", href: "/developers", text: "developers", icon: "developers" };

/** Those that whoever looks has. */
export function elsewhere(): readonly Entry[] {
  return [STOCKS, BOARDS, RESEARCH, BACKTESTS, PROOF, ...(isAdmin.value ? [ADMIN] : []), DEVELOPERS];
}
