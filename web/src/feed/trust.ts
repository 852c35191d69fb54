// How a market's feed is, in one word.

import { line } from "./line";
import type { Trust } from "./marketFeed";

export type TrustState = "live" | "stale" | "down" | "connecting" | "resyncing";

export function stateOf(trust: Trust): TrustState {
  if (line.state.value === "down") return "down";
  if (line.state.value === "connecting" || trust.phase === "begun") return "connecting";
  if (trust.phase === "resyncing") return "resyncing";
  return line.state.value === "stale" || trust.isVenueSilent ? "stale" : "live";
}
