// Prices, shares and money as whole numbers, exactly as the exchange counts them.
//
//   price     number, 1/10 000 credit      "0.5500" = 5500
//   quantity  number, 1/100 share          "12.50"  = 1250
//   cash      bigint, 1/1 000 000 credit   "1.5"    = 1500000n; price x quantity = cash
//
// Laws: no floating point and no rounding; text that isn't such a number is null, never NaN. The
// largest sum of money (10^18) doesn't fit a number, the largest quantity does.

export const PRICE_SCALE = 10_000;
export const CASH_SCALE = 1_000_000n;
const PRICE_PLACES = 4;
const QUANTITY_PLACES = 2;
const CASH_PLACES = 6;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
/** As the exchange's own spaces of narrow width, so that thousands don't look like decimals. */
const GROUPING = "\u202f";

function digits(text: string, places: number, isCut = false): bigint | null {
  const found = DECIMAL.exec(text.trim());
  if (found === null) return null;
  const [, sign, whole = "", part = ""] = found;
  if (!isCut && part.length > places && /[1-9]/.test(part.slice(places))) return null;
  const value = BigInt(whole + part.slice(0, places).padEnd(places, "0"));
  return sign === "-" ? -value : value;
}

/** A number that somebody typed, as the exchange writes them: decimal commas are understood. */
export function plainNumber(typed: string): string {
  return typed.trim().replace(",", ".");
}

/** "0.55" -> 5500; null for what is no price with at most four decimals. */
export function parsePrice(text: string): number | null {
  const value = digits(text, PRICE_PLACES);
  return value === null ? null : Number(value);
}

/** "12.5" -> 1250; null for what is no quantity with at most two decimals. */
export function parseQuantity(text: string): number | null {
  const value = digits(text, QUANTITY_PLACES);
  return value === null || value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}

/** "1.5" -> 1500000n; null for what is no amount with at most six decimals. For what somebody types. */
export function parseCash(text: string): bigint | null {
  return digits(text, CASH_PLACES);
}

/**
 * What the exchange sent, which is a number; null stays null. Other venues' amounts have more decimals
 * than ours: of money they are cut, as all money that is shown.
 */
export function priceOf(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : parsePrice(text);
}
export function quantityOf(text: string | null | undefined): number {
  return text === null || text === undefined ? 0 : (parseQuantity(text) ?? 0);
}
export function cashOf(text: string | null | undefined): bigint {
  return text === null || text === undefined ? 0n : (digits(text, CASH_PLACES, true) ?? 0n);
}

function grouped(whole: bigint): string {
  return whole.toString().replace(/\B(?=(\d{3})+$)/g, GROUPING);
}

function decimal(value: bigint, places: number, shown: number, most = shown): string {
  const size = value < 0n ? -value : value;
  const scale = 10n ** BigInt(places);
  const part = (size % scale).toString().padStart(places, "0");
  let end = places;
  while (end > shown && part[end - 1] === "0") end -= 1;
  const tail = part.slice(0, Math.min(end, most));
  return `${value < 0n ? "\u2212" : ""}${grouped(size / scale)}${tail === "" ? "" : `.${tail}`}`;
}

/** 5500 -> "0.55"; with the decimals of a tick (in price units) of e.g. 10 "0.550". */
export function formatPrice(price: number, tick = 100): string {
  const shown = tick % 100 === 0 ? 2 : tick % 10 === 0 ? 3 : 4;
  return decimal(BigInt(price), PRICE_PLACES, shown, PRICE_PLACES);
}

/** Hundredths of a credit: 5500 -> "55", 5550 -> "55.5"; with the decimals of a tick of e.g. 10 "55.0". */
export function pointsOf(price: number, tick = 100): string {
  return decimal(BigInt(price), 2, tick % 100 === 0 ? 0 : tick % 10 === 0 ? 1 : 2, 2);
}

/** 5500 -> "55 %", 5550 -> "55.5 %". */
export function formatChance(price: number): string {
  return `${pointsOf(price)}\u202f%`;
}

/** 1250 -> "12.50", 1200 -> "12". */
export function formatQuantity(quantity: number): string {
  const text = decimal(BigInt(quantity), QUANTITY_PLACES, 2);
  return text.endsWith(".00") ? text.slice(0, -3) : text;
}

/** 1234567n -> "1.23" (cut, never rounded up) or, `exact`, "1.234567". */
export function formatCash(cash: bigint, exact = false): string {
  return exact ? decimal(cash, CASH_PLACES, 2, CASH_PLACES) : decimal(cash, CASH_PLACES, 2, 2);
}

/** The same with a plus where it is one: gains and losses. */
export function formatGain(cash: bigint): string {
  return cash > 0n ? `+${formatCash(cash)}` : formatCash(cash);
}

/** A large number of credits in few characters: "1.2k", "3.4M". */
export function formatShort(cash: bigint): string {
  const whole = (cash < 0n ? -cash : cash) / CASH_SCALE;
  for (const [size, letter] of [[1_000_000_000n, "B"], [1_000_000n, "M"], [1_000n, "k"]] as const) {
    if (whole >= size) {
      const tenths = (whole * 10n) / size;
      return `${tenths / 10n}${tenths % 10n === 0n || tenths >= 1000n ? "" : `.${tenths % 10n}`}${letter}`;
    }
  }
  return whole.toString();
}

/** What a quantity costs at a price. */
export function costOf(price: number, quantity: number): bigint {
  return BigInt(price) * BigInt(quantity);
}

/** The plain decimal that the API takes: 5500 -> "0.5500". */
export function priceText(price: number): string {
  return plain(BigInt(price), PRICE_PLACES);
}
export function quantityText(quantity: number): string {
  return plain(BigInt(quantity), QUANTITY_PLACES);
}
export function cashText(cash: bigint): string {
  return plain(cash, CASH_PLACES);
}

/** The same as somebody types it into a field: 12500000n -> "12.5", 1200 -> "12". */
export function typedCash(cash: bigint): string {
  return trimmed(cashText(cash));
}
export function typedQuantity(quantity: number): string {
  return trimmed(quantityText(quantity));
}

/** A decimal, which has a point, without its last zeros. */
function trimmed(text: string): string {
  return text.replace(/\.?0+$/, "");
}

function plain(value: bigint, places: number): string {
  const size = (value < 0n ? -value : value).toString().padStart(places + 1, "0");
  return `${value < 0n ? "-" : ""}${size.slice(0, -places)}.${size.slice(-places)}`;
}

/** The nearest price on the tick, within 1 tick and 1 credit less a tick. */
export function onTick(price: number, tick: number): number {
  const nearest = Math.floor((price + tick / 2) / tick) * tick;
  return Math.min(Math.max(nearest, tick), PRICE_SCALE - tick);
}
