// The stocks, and what one has of them: read every so often while they are looked at, and at once when one's cash
// moves, which is what a trade, a liquidation and a payout do. In between their prices are told.

import { useEffect, useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { StockPositionView, StockView } from "@/api/schema";
import { balance } from "@/feed/account";
import { line } from "@/feed/line";
import { everyRow, useLoaded, type Loaded } from "@/parts/loading";
import { isSignedIn } from "@/session/session";
import { movedTo, useTold } from "./live";

const EVERY_MS = 4_000;
/** What is told needs no reading; the past of a day does, and all of it where the line is down. */
const STOCKS_MS = 30_000;
const STOCKS_DOWN_MS = 4_000;
const PAGE = 200;
const FOLLOWS_MS = 800;

export function useStocks(): Loaded<readonly StockView[]> {
  const everyMs = line.state.value === "live" ? STOCKS_MS : STOCKS_DOWN_MS;
  const stocks = useLoaded((signal) => everyRow((cursor) => rest.call("get", "/economy/stocks", { query: { limit: PAGE, cursor }, signal })), [], everyMs);
  const told = useTold();
  useCashMoved(stocks.reload);
  return { ...stocks, data: stocks.data?.map((stock) => movedTo(stock, told.get(stock.symbol))) ?? null };
}

/** What one has or had; nothing for who isn't signed in. */
export function usePositions(): Loaded<readonly StockPositionView[]> {
  const positions = useLoaded(
    async (signal) => (isSignedIn.peek() ? everyRow((cursor) => rest.call("get", "/economy/portfolio", { query: { limit: PAGE, cursor }, signal })) : []),
    [isSignedIn.value],
    EVERY_MS,
  );
  useCashMoved(positions.reload);
  return positions;
}

/** Act when one's cash has moved since, and once more a little later: the shares follow the money. */
export function useCashMoved(act: () => void): void {
  const cash = balance.value;
  const key = cash === null ? null : `${cash.available} ${cash.locked}`;
  const before = useRef(key);
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const isOther = before.current !== null && before.current !== key;
    before.current = key;
    if (!isOther) return undefined;
    act();
    const timer = setTimeout(() => latest.current(), FOLLOWS_MS);
    return () => clearTimeout(timer);
  }, [key]);
}
