// The prices of stocks as the exchange tells them over the line, as long as a page shows them.
//
// Laws: of a stock the later word counts, the list that was read or what was told; whoever comes to a new line, or has
// missed something, asks for all of them again. The past is read, never told.

import { signal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { StockView } from "@/api/schema";
import { line } from "@/feed/line";
import type { StockMessage, StockState } from "@/feed/messages";
import { cashOf, cashText } from "@/units/money";

interface Followed {
  readonly epoch: number;
  readonly seq: number;
  readonly timestamp: string;
  readonly stocks: readonly StockState[];
}
type Told = StockState & { readonly timestamp: string };

/** What was told of each, by its symbol. */
export const told: Signal<ReadonlyMap<string, Told>> = signal(new Map());
let place = { epoch: 0, seq: 0 };
let users = 0;
let stops: (() => void)[] = [];

/** A stock as it is by what was told of it after it was read. */
export function movedTo(stock: StockView, now: Told | undefined): StockView {
  const last = stock.history.at(-1);
  if (now === undefined || last === undefined || now.timestamp <= last.time) return stock;
  const { status, price, supply, value, timestamp } = now;
  const change24h = cashText(cashOf(stock.change24h) + cashOf(price) - cashOf(stock.price));
  return { ...stock, status, price, supply, value, change24h, history: [...stock.history.slice(0, -1), { time: timestamp, price }] };
}

function take(message: StockMessage): void {
  if (message.epoch !== place.epoch || message.seq <= place.seq) return;
  place = { epoch: message.epoch, seq: message.seq };
  told.value = new Map(told.peek()).set(message.symbol, message);
}

function ask(): void {
  line.ask("subscribe:stocks").then(
    (data) => {
      const found = data as Followed;
      place = { epoch: found.epoch, seq: found.seq };
      told.value = new Map(found.stocks.map((one) => [one.symbol, { ...one, timestamp: found.timestamp }]));
    },
    // The list is read every so often all the same.
    () => undefined,
  );
}

function begin(): void {
  stops = [
    line.on("stock_updated", take),
    line.on("heartbeat", ({ stocksSeq }) => {
      if (stocksSeq !== undefined && stocksSeq > place.seq) ask();
    }),
    line.onOpen(ask),
  ];
}

function end(): void {
  for (const stop of stops) stop();
  told.value = new Map();
  place = { epoch: 0, seq: 0 };
  if (line.isOpen) line.ask("unsubscribe:stocks").catch(() => undefined);
}

/** Follow all stocks as long as a component lives. */
export function useTold(): ReadonlyMap<string, Told> {
  useEffect(() => {
    users += 1;
    if (users === 1) begin();
    return () => {
      users -= 1;
      if (users === 0) end();
    };
  }, []);
  return told.value;
}
