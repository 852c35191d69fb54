// What a side of a question is worth now, of its book alone: its chance, what it pays, and what a stake
// would come to before the exchange has said so.
//
// Laws: exact, in whole numbers, cut in the exchange's favour; without fees, which only the exchange's own
// quote knows. The book is that of YES: who bets on NO meets its bids at one less their price.

import type { Book, Level } from "@/book/book";
import { PRICE_SCALE, costOf, parseCash, plainNumber } from "@/units/money";

/** THIS is the first answer of a question, YES; THAT the other. */
export type BetSide = "THIS" | "THAT";
export const SIDES: readonly BetSide[] = ["THIS", "THAT"];

/** As much of a book as odds are made of, so that a page paints only when these change. */
export interface Odds {
  readonly middle: number | null;
  /** Offers to who bets on a side, the best first: prices and shares. */
  readonly offers: Readonly<Record<BetSide, readonly Level[]>>;
}

export const NO_ODDS: Odds = { middle: null, offers: { THIS: [], THAT: [] } };
/** A stake that goes deeper than this is quoted by the exchange alone. */
const LEVELS = 40;

export function oddsOf(book: Book): Odds {
  const turned = book.levels("bids", LEVELS).map(([price, quantity]): Level => [PRICE_SCALE - price, quantity]);
  return { middle: book.middle, offers: { THIS: book.levels("asks", LEVELS), THAT: turned } };
}

/** The chance of a side in price units; the two sum up to one. */
export function chanceOf(odds: Odds, side: BetSide): number | null {
  if (odds.middle === null) return null;
  return side === "THIS" ? odds.middle : PRICE_SCALE - odds.middle;
}

export interface Estimate {
  readonly shares: number;
  readonly cost: bigint;
  readonly payout: bigint;
  /** Whether the offers take less than the whole stake. */
  readonly isShort: boolean;
}

/** What a stake (cash) would buy on a side; null if nothing is offered, or it buys no share. */
export function estimateOf(odds: Odds, side: BetSide, stake: bigint): Estimate | null {
  let left = stake;
  let shares = 0;
  let isShort = true;
  for (const [price, quantity] of odds.offers[side]) {
    const affordable = left / BigInt(price);
    const taken = affordable < BigInt(quantity) ? Number(affordable) : quantity;
    shares += taken;
    left -= costOf(price, taken);
    if (taken < quantity) {
      isShort = false;
      break;
    }
  }
  if (shares === 0) return null;
  return { shares, cost: stake - left, payout: costOf(PRICE_SCALE, shares), isShort };
}

/** How many times its price a share pays, cut to hundredths: 4000 -> "2.50". */
export function timesOf(price: number): string {
  const hundredths = Math.floor((PRICE_SCALE * 100) / price);
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`;
}

export const STAKE_LEAST = 1n;

/** A typed stake in cash; null for what is none. Decimal commas are understood. */
export function stakeOf(text: string): bigint | null {
  const cash = parseCash(plainNumber(text.replaceAll(/[\s\u202f]/g, "")));
  return cash === null || cash < STAKE_LEAST ? null : cash;
}

/** What a side is called: by the source's own words, else by the catalogue's. */
export function labelOf(outcomes: readonly [string, string] | undefined, side: BetSide, words: { readonly yes: string; readonly no: string }): string {
  const [first, second] = outcomes ?? ["Yes", "No"];
  const label = side === "THIS" ? first : second;
  // The plain pair has its word in the reader's language.
  if (/^yes$/i.test(label)) return words.yes;
  return /^no$/i.test(label) ? words.no : label;
}

/** What shares of a side bring now, sold to whoever bids for them, fees aside; null if nobody does. Who buys the other side pays them out. */
export function worthOf(odds: Odds, side: BetSide, shares: number): bigint | null {
  let left = shares;
  let brought = 0n;
  for (const [price, quantity] of odds.offers[side === "THIS" ? "THAT" : "THIS"]) {
    const sold = Math.min(left, quantity);
    brought += costOf(PRICE_SCALE - price, sold);
    left -= sold;
    if (left === 0) break;
  }
  return left === shares ? null : brought;
}

/** Which side a bet is on, whichever word it was placed by. */
export function sideOf(bet: { readonly side: "THIS" | "THAT" | "YES" | "NO" }): BetSide {
  return bet.side === "THIS" || bet.side === "YES" ? "THIS" : "THAT";
}
