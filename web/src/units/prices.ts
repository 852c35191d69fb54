// Prices as the reader wants to see and type them: what is counted and sent stays the price itself.
//
//   price 5500 (tick 0.01)   price "0.55"   percent "55 %"   cents "55 ¢"   odds "1.82"
//
// Laws: every price that is shown goes through here. What is typed is understood in the same form, but
// odds, in which two prices may look alike: they are shown beside and the price is typed.

import { priceFormat, type PriceFormat } from "@/shell/preferences";
import { PRICE_SCALE, formatPrice, parsePrice, parseQuantity, pointsOf } from "./money";

const SIGNS = { price: "", percent: "%", cents: "¢", odds: "" } as const;
/** Stands in a field for what is no price, so that nobody takes it for one. */
const NO_PRICE = "x";

/** A price in one form; `tick` in price units says how many decimals there are. Odds are rounded to hundredths. */
export function priceIn(form: PriceFormat, price: number, tick = 100): string {
  if (form === "price") return formatPrice(price, tick);
  if (form === "odds") return price === 0 ? "–" : hundredths(Math.floor((PRICE_SCALE * 100 + Math.floor(price / 2)) / price));
  return `${pointsOf(price, tick)}\u202f${SIGNS[form]}`;
}

function hundredths(count: number): string {
  return `${Math.floor(count / 100)}.${String(count % 100).padStart(2, "0")}`;
}

/** The price as its reader likes it. */
export function shownPrice(price: number, tick = 100): string {
  return priceIn(priceFormat.value, price, tick);
}

/** What lies between two prices: odds have none, so it is a price there. */
export function shownDifference(difference: number, tick = 100): string {
  return priceIn(priceFormat.value === "odds" ? "price" : priceFormat.value, difference, tick);
}

/** A plain price of a draft ("0.55") as it is shown; what is no price stays as it is. */
export function shownText(text: string, tick = 100): string {
  const price = parsePrice(text);
  return price === null ? text : shownPrice(price, tick);
}

/** A plain price as it stands in a field to be typed in. */
export function toTyped(form: PriceFormat, text: string): string {
  const price = parsePrice(text);
  return price === null || form === "price" || form === "odds" ? text : pointsOf(price, 100);
}

/** What was typed, as a plain price: "55" is "0.55" where cents or percent are typed. */
export function fromTyped(form: PriceFormat, typed: string): string {
  if (form === "price" || form === "odds" || typed.trim() === "") return typed;
  const price = parseQuantity(typed.replace(/[%¢\s]/g, ""));
  return price === null ? NO_PRICE : formatPrice(price, 100);
}

/** The sign of what is typed into a price's field, for its label. */
export function signOf(form: PriceFormat): string {
  return SIGNS[form];
}
