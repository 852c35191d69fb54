// What the exchange says over the socket (docs/sockets.md), as far as the terminal listens.

import type { AnyTradeView, BacktestView, BalanceView, BetView, CandleView, FillView, FiringView, MarketView, OrderView, PositionView, ResearchView, StockView, TickerView } from "@/api/schema";
import type { WireLevel } from "@/book/book";
import type { Stamp } from "@/book/sequence";

export interface BookMessage extends Stamp {
  readonly marketId: string;
  readonly outcome: "YES" | "NO";
  readonly bids: readonly WireLevel[];
  readonly asks: readonly WireLevel[];
  readonly checksum: number;
}
export type TradeMessage = AnyTradeView & { readonly epoch: number };
export type MarketMessage = MarketView & { readonly epoch: number };
export type TickerMessage = TickerView & { readonly epoch: number };
export type CandleMessage = CandleView & { readonly marketId: string; readonly interval: string };

interface Private {
  readonly epoch: number;
  readonly accountSeq: number;
}
export type OrderMessage = OrderView & Private;
export type FillMessage = FillView & Private;
export type BalanceMessage = BalanceView & Private;
export type PositionMessage = PositionView & Private;

export interface HeartbeatEntry {
  readonly marketId: string;
  readonly seq: number;
  readonly tradeNo?: number | null;
  readonly epoch?: number;
  readonly stale?: boolean;
  readonly lifecycleSeq?: number;
}
export interface Heartbeat {
  readonly timestamp: string;
  readonly epoch: number;
  readonly markets: readonly HeartbeatEntry[];
  readonly accountSeq?: number | null;
  readonly stale?: boolean;
  readonly topicEpoch?: number;
  readonly topics?: Readonly<Record<string, number>>;
  readonly stocksSeq?: number;
}
interface OnTopic {
  readonly topic: string;
  readonly topicEpoch: number;
  readonly topicSeq: number;
}
export type AlertMessage = FiringView & OnTopic;
export type BetMessage = BetView & OnTopic;
export type BacktestMessage = BacktestView & OnTopic;
export type ResearchMessage = ResearchView & OnTopic;
export type StockState = Pick<StockView, "symbol" | "status" | "price" | "supply" | "value">;
export type StockMessage = StockState & { readonly epoch: number; readonly seq: number; readonly timestamp: string };
export interface ModeMessage {
  readonly mode: string;
  readonly postOnlyUntil: string | null;
}
export interface Subscribed {
  readonly marketId: string;
  readonly slug: string | null;
  readonly epoch: number;
  readonly seq: number;
  readonly tradeNo?: number | null;
  readonly resumed?: boolean;
}

/** Every event that the terminal hears, and what comes with it. */
export interface Heard {
  orderbook_update: BookMessage;
  trade_executed: TradeMessage;
  market_updated: MarketMessage;
  ticker_updated: TickerMessage;
  candle_updated: CandleMessage;
  order_placed: OrderMessage;
  order_updated: OrderMessage;
  order_cancelled: OrderMessage;
  order_filled: FillMessage;
  balance_updated: BalanceMessage;
  position_updated: PositionMessage;
  exchange_updated: ModeMessage;
  alert_triggered: AlertMessage;
  bet_updated: BetMessage;
  backtest_updated: BacktestMessage;
  research_updated: ResearchMessage;
  stock_updated: StockMessage;
  heartbeat: Heartbeat;
}
