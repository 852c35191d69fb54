// What shares of a stock would cost and bring now, foreseen: the straight line of docs/economy.md.
//
// Laws: whole numbers alone, as the exchange counts (money in 1/1 000 000, shares in 1/100, rates in
// 1/10 000), rounded as it rounds. What is foreseen is never sent but as the bound of an order: the exchange decides, and
// knows what this doesn't, the loans of others that a sale may have to see to first.

import type { StockPositionView, StockView } from "@/api/schema";
import { cashOf, parsePrice, quantityOf } from "@/units/money";

const SHARES = 100n;
const PARTS = 2n * SHARES * SHARES;
const RATES = 10_000n;
export const LEVERAGES = [1, 2, 3, 4, 5] as const;
export type Leverage = (typeof LEVERAGES)[number];

/** A stock as it stands: its line, and the terms of its loans. */
export interface Line {
  readonly base: bigint;
  readonly slope: bigint;
  readonly supply: bigint;
  readonly interest: bigint;
  readonly margin: bigint;
}

/** What somebody has of it. */
export interface Held {
  readonly shares: bigint;
  readonly loan: bigint;
}

export const NOTHING_HELD: Held = { shares: 0n, loan: 0n };

export interface Foreseen {
  readonly shares: bigint;
  /** What the shares cost or bring, loans apart. */
  readonly total: bigint;
  /** What it does to one's cash: below zero it is paid. */
  readonly cash: bigint;
  /** How much more is owed: below zero it is paid back. */
  readonly loan: bigint;
  readonly average: bigint;
  readonly priceAfter: bigint;
  /** Of all that is held afterwards: before the price falls below it, it is sold; null without a loan. */
  readonly liquidation: bigint | null;
  /** Of all that is owed afterwards. */
  readonly interestADay: bigint;
}

export function lineOf(stock: StockView): Line {
  const rate = (text: string) => BigInt(parsePrice(text) ?? 0);
  return {
    base: cashOf(stock.basePrice),
    slope: cashOf(stock.slope),
    supply: BigInt(quantityOf(stock.supply)),
    interest: rate(stock.interestRate),
    margin: rate(stock.maintenanceMargin),
  };
}

export function heldOf(position: StockPositionView | null): Held {
  return position === null ? NOTHING_HELD : { shares: BigInt(quantityOf(position.shares)), loan: cashOf(position.loan) };
}

function up(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function root(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (guess + value / guess) / 2n;
    if (next >= guess) return guess;
    guess = next;
  }
}

function area(line: Line, supply: bigint): bigint {
  return 2n * SHARES * line.base * supply + line.slope * supply * supply;
}

/** What a share costs at a supply, about. */
export function priceAt(line: Line, supply: bigint): bigint {
  return line.base + (line.slope * supply) / SHARES;
}

export function costOf(line: Line, shares: bigint): bigint {
  return up(area(line, line.supply + shares) - area(line, line.supply), PARTS);
}

export function proceedsOf(line: Line, shares: bigint): bigint {
  return (area(line, line.supply) - area(line, line.supply - shares)) / PARTS;
}

/** The most shares that cost no more than that. */
export function sharesFor(line: Line, money: bigint): bigint {
  const linear = 2n * (SHARES * line.base + line.slope * line.supply);
  return (root(linear * linear + 4n * line.slope * money * PARTS) - linear) / (2n * line.slope);
}

/** The fewest shares that bring that; null if all there are don't. */
export function sharesBringing(line: Line, money: bigint): bigint | null {
  if (proceedsOf(line, line.supply) < money) return null;
  const kept = area(line, line.supply) - money * PARTS;
  const linear = 2n * SHARES * line.base;
  return line.supply - (root(linear * linear + 4n * line.slope * kept) - linear) / (2n * line.slope);
}

function boundOf(line: Line, loan: bigint): bigint {
  return loan + up(loan * line.margin, RATES) + 1n;
}

/** The least supply to which what is held can be sold and bring the bound of its loan. */
function endOf(line: Line, held: Held): bigint {
  const missing = boundOf(line, held.loan) * PARTS - area(line, held.shares);
  return missing <= 0n ? 0n : up(missing, 2n * line.slope * held.shares);
}

/** The price before which what is held is sold by the exchange; null without a loan, and where no price is so low. */
export function liquidationOf(line: Line, held: Held): bigint | null {
  if (held.loan === 0n || held.shares === 0n) return null;
  const end = endOf(line, held);
  // With nobody's shares left but one's own the price is no lower, and they still bring what is owed.
  return end === 0n ? null : priceAt(line, end + held.shares);
}

function foreseen(line: Line, before: Held, shares: bigint, total: bigint, loan: bigint, sign: 1n | -1n): Foreseen {
  const after = { ...line, supply: line.supply + sign * shares };
  const held = { shares: before.shares + sign * shares, loan: before.loan + loan };
  return {
    shares,
    total,
    cash: sign === 1n ? loan - total : total + loan,
    loan,
    average: (total * SHARES) / shares,
    priceAfter: priceAt(after, after.supply),
    liquidation: liquidationOf(after, held),
    interestADay: up(held.loan * line.interest, RATES),
  };
}

/** What buying would come to; one part in `leverage` of the cost is paid, the others are borrowed. */
export function buying(line: Line, held: Held, shares: bigint, leverage: Leverage): Foreseen {
  const total = costOf(line, shares);
  return foreseen(line, held, shares, total, total - up(total, BigInt(leverage)), 1n);
}

/** What selling would come to, of which the own loan is paid first. */
export function selling(line: Line, held: Held, shares: bigint): Foreseen {
  const total = proceedsOf(line, shares);
  return foreseen(line, held, shares, total, total < held.loan ? -total : -held.loan, -1n);
}

/** Whether what would be held then bears its loan, had nobody else borrowed. */
export function isCovered(line: Line, held: Held, bought: Foreseen): boolean {
  const after = { shares: held.shares + bought.shares, loan: held.loan + bought.loan };
  return after.loan === 0n || line.supply - held.shares >= endOf(line, after);
}

/** The highest leverage up to the one asked for at which a purchase is covered. */
export function bearable(line: Line, held: Held, shares: bigint, asked: Leverage): Leverage {
  return [...LEVERAGES].reverse().find((one) => one <= asked && isCovered(line, held, buying(line, held, shares, one))) ?? 1;
}

/** The worst average price to be sent: so many hundredths of a percent beyond the one foreseen. */
export function worstPrice(of: Foreseen, isBuy: boolean, tolerance: number): bigint {
  const [exact, slack] = [of.total * SHARES, BigInt(tolerance)];
  return isBuy ? up(exact * (RATES + slack), of.shares * RATES) : (exact * (RATES - slack)) / (of.shares * RATES);
}

/** A change in hundredths of a percent of what was before; null of nothing. */
export function shareOf(change: bigint, before: bigint): bigint | null {
  return before <= 0n ? null : (change * RATES) / before;
}
