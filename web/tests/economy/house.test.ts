import { expect, test } from "vitest";
import type { MirrorView, StockView } from "@/api/schema";
import { largest, nameOf } from "@/house/HousePart";
import { changeOf } from "@/house/MirrorPart";
import { lentOf } from "@/house/StocksPart";
import { profitOf, quotingOf, statusOf, usedOf } from "@/house/words";

const MIRROR = { id: "1", status: "OPEN", idle: null, disputed: null, spread: "0.0100", size: "500.00", exposure: "1000.000000", atStake: "250.000000", realisedProfit: "1.500000", unrealisedProfit: "-2.000001" } as MirrorView;

test("how a mirror stands: a dispute before all else, then why nothing is quoted", () => {
  expect(statusOf(MIRROR)).toBe("OPEN");
  expect(statusOf({ ...MIRROR, disputed: "it said YES, then NO" })).toBe("DISPUTED");
  expect(quotingOf(MIRROR)).toBe("The house quotes both sides.");
  expect(quotingOf({ ...MIRROR, idle: "STALE" })).toBe("Its source is silent for too long.");
  expect(quotingOf({ ...MIRROR, status: "ENDED" })).toBeNull();
  expect(usedOf("250", "1000")).toBe(25);
  expect(usedOf("5", "0")).toBe(0);
  expect(profitOf(MIRROR)).toBe("-0.500001");
});

test("only what was changed of the terms is sent", () => {
  expect(changeOf(MIRROR, { spread: "0.01", size: "500", exposure: "1000" })).toEqual({});
  expect(changeOf(MIRROR, { spread: "0.02", size: "500", exposure: "900.5" })).toEqual({ spread: "0.02", exposure: "900.5" });
  // What is no number is for the exchange to refuse, with its words.
  expect(changeOf(MIRROR, { spread: "x", size: "500", exposure: "1000" })).toEqual({ spread: "x" });
});

test("where most is at stake, and whose account it is", () => {
  const of = (id: string, atStake: string) => ({ ...MIRROR, id, atStake });
  expect(largest([of("1", "5"), of("2", "0"), of("3", "7.1")]).map((one) => one.id)).toEqual(["3", "1"]);
  const stock = { symbol: "ORCA", reserveId: "9000000000000001" } as StockView;
  expect(nameOf({ id: "9000000000000000", name: "house", account: null }, [stock])).toBe("the house");
  expect(nameOf({ id: "9000000000000001", name: "reserve:1", account: null }, [stock])).toBe("reserve of ORCA");
  expect(nameOf({ id: "9000000000000002", name: "reserve:2", account: null }, [stock])).toBe("reserve:2");
  expect(lentOf("150.5", "100")).toBe("50.500000");
  expect(lentOf("100", "150")).toBe("0.000000");
});
