import { expect, test } from "vitest";
import type { StockView } from "@/api/schema";
import { movedTo } from "@/stocks/live";

const STOCK = {
  symbol: "ORCA",
  status: "OPEN",
  price: "2.000000",
  supply: "100.00",
  value: "150.000000",
  change24h: "0.500000",
  history: [
    { time: "2026-05-01T11:00:00.000Z", price: "1.500000" },
    { time: "2026-05-01T12:00:00.000Z", price: "2.000000" },
  ],
} as unknown as StockView;
const TOLD = { symbol: "ORCA", status: "HALTED", price: "1.250000", supply: "25.00", value: "28.125000", timestamp: "2026-05-01T12:00:01.000Z" } as const;

test("what is told later is how a stock is, and how it moved in the day", () => {
  const moved = movedTo(STOCK, TOLD);
  expect(moved).toEqual({
    ...STOCK,
    status: "HALTED",
    price: "1.250000",
    supply: "25.00",
    value: "28.125000",
    change24h: "-0.250000",
    history: [STOCK.history[0], { time: TOLD.timestamp, price: "1.250000" }],
  });
  expect(STOCK.price).toBe("2.000000");
});

test("what was read later stays", () => {
  expect(movedTo(STOCK, { ...TOLD, timestamp: "2026-05-01T12:00:00.000Z" })).toBe(STOCK);
  expect(movedTo(STOCK, undefined)).toBe(STOCK);
});
