// From how much to how much a bet may be, as the exchange says.
//
// Law: read once a page; until then, and where it can't be read, nothing is known, and the exchange says it in its refusal.

import { signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { cashOf } from "@/units/money";

export interface BetBounds {
  readonly least: bigint;
  readonly most: bigint;
}

export const betBounds = signal<BetBounds | null>(null);

/** Read them, unless they are known. */
export async function readBetBounds(): Promise<void> {
  if (betBounds.peek() !== null) return;
  try {
    const { betMin, betMax } = (await rest.call("get", "/exchange/status")).data.limits;
    betBounds.value = { least: cashOf(betMin), most: cashOf(betMax) };
  } catch {
    // They stay unknown.
  }
}

/** The stakes that are offered at one press: those of these that may be bet; the least, where none may. */
export function stakesWithin(stakes: readonly bigint[], bounds: BetBounds | null): readonly bigint[] {
  if (bounds === null) return stakes;
  const within = stakes.filter((stake) => stake >= bounds.least && stake <= bounds.most);
  return within.length === 0 ? [bounds.least] : within;
}
