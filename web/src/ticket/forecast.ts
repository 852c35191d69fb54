// What an order would come to, worked out of what the exchange foresees (`POST /orders/preview`).
//
// Laws: pure; exact sums of what the preview says. The best and the worst case hold for this order
// alone, whatever else one has.

import type { BalanceView, FillView, OrderView } from "@/api/schema";
import { cashOf, costOf, priceOf, quantityOf } from "@/units/money";

export interface Forecast {
  /** Shares that trade now, and what they cost (or bring) without fees. */
  readonly fills: number;
  readonly fillsCost: bigint;
  readonly averagePrice: number | null;
  /** Shares that rest or wait afterwards. */
  readonly rests: number;
  readonly fees: bigint;
  readonly locked: bigint;
  /** The most that is paid if everything fills at its price, fees of now included (BUY). */
  readonly pays: bigint;
  /** What comes in if everything fills at its price, fees of now taken off (SELL). */
  readonly receives: bigint;
  /** What the shares pay if the outcome wins. */
  readonly wins: bigint;
  /** Gain if the outcome wins and loss if it doesn't, of a BUY. */
  readonly gain: bigint;
  readonly loss: bigint;
  readonly status: OrderView["status"];
  readonly cancelReason: string | null;
  readonly availableAfter: bigint;
}

const SHARE_PAYS = 10_000;

export function forecastOf(order: OrderView, trades: readonly FillView[], balance: BalanceView): Forecast {
  const fills = quantityOf(order.filled);
  const fillsCost = trades.reduce((sum, trade) => sum + costOf(priceOf(trade.price) ?? 0, quantityOf(trade.quantity)), 0n);
  const fees = cashOf(order.fees);
  const isOver = order.status === "CANCELLED" || order.status === "REJECTED" || order.status === "EXPIRED" || order.status === "FILLED";
  const rests = isOver ? 0 : quantityOf(order.remaining);
  const locked = isOver ? 0n : cashOf(order.locked);
  const isBuy = order.side === "BUY";
  const atPrice = costOf(priceOf(order.price) ?? priceOf(order.worstPrice) ?? 0, rests);
  const pays = isBuy ? fillsCost + fees + locked : 0n;
  const wins = isBuy ? costOf(SHARE_PAYS, fills + rests) : 0n;
  return {
    fills,
    fillsCost,
    averagePrice: priceOf(order.averagePrice),
    rests,
    fees,
    locked,
    pays,
    receives: isBuy ? 0n : fillsCost - fees + atPrice,
    wins,
    gain: wins - pays,
    loss: pays,
    status: order.status,
    cancelReason: order.cancelReason,
    availableAfter: cashOf(balance.available),
  };
}
