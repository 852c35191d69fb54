// How prices of stocks look: exact, with a sign and an arrow where they moved.

import type { StockView } from "@/api/schema";
import { cashOf, formatCash } from "@/units/money";
import { shareOf } from "./curve";

/** "1.23 %" of hundredths of a percent, with its sign. */
export function percentText(hundredths: bigint): string {
  const size = hundredths < 0n ? -hundredths : hundredths;
  const sign = hundredths > 0n ? "+" : hundredths < 0n ? "\u2212" : "";
  return `${sign}${size / 100n}.${(size % 100n).toString().padStart(2, "0")}\u202f%`;
}

/** How a price moved in the last day. */
export function Moved({ stock }: { stock: StockView }) {
  const change = cashOf(stock.change24h);
  const share = shareOf(change, cashOf(stock.price) - change);
  const [mark, tone] = change > 0n ? ["▲ ", "up"] : change < 0n ? ["▼ ", "down"] : ["", "quiet"];
  return <span class={tone}><span aria-hidden="true">{mark}</span>{share === null ? "–" : percentText(share)}</span>;
}

/** A price of a stock, all its decimals. */
export function StockPrice({ of }: { of: string | null }) {
  return <>{of === null ? "–" : formatCash(cashOf(of), true)}</>;
}
