import { expect, test } from "vitest";
import type { BetView } from "@/api/schema";
import { worthAt } from "@/bets/betMarkets";
import { drawnChances, lately } from "@/bets/Chances";
import { NO_ODDS, chanceOf, estimateOf, labelOf, oddsOf, sideOf, stakeOf, timesOf, worthOf } from "@/bets/odds";
import { costOfPart } from "@/bets/SellBet";
import { sumsOf } from "@/bets/MyBets";
import { Book } from "@/book/book";
import { multiplierOf, stepsOf } from "@/rewards/streak";

function book(): Book {
  const made = new Book();
  made.replace([["0.6000", "50.00"], ["0.5000", "100.00"]], [["0.6400", "10.00"], ["0.7000", "100.00"]]);
  return made;
}

test("the chances of both sides sum up to one", () => {
  const odds = oddsOf(book());
  expect(chanceOf(odds, "THIS")).toBe(6_200);
  expect(chanceOf(odds, "THAT")).toBe(3_800);
  expect(chanceOf(NO_ODDS, "THIS")).toBeNull();
});

test("a stake buys whole hundredths of shares, from the best offer on", () => {
  const odds = oddsOf(book());
  // 10 shares at 0.64 are 6.40; the other 3.60 buy 5.14 at 0.70.
  expect(estimateOf(odds, "THIS", 10_000_000n)).toEqual({ shares: 1_514, cost: 9_998_000n, payout: 15_140_000n, isShort: false });
  // NO is offered by who bids for YES: 50 shares at 0.40, then 100 at 0.50.
  expect(estimateOf(odds, "THAT", 20_000_000n)).toEqual({ shares: 5_000, cost: 20_000_000n, payout: 50_000_000n, isShort: false });
  expect(estimateOf(odds, "THAT", 100_000_000n)).toEqual({ shares: 15_000, cost: 70_000_000n, payout: 150_000_000n, isShort: true });
  expect(estimateOf(odds, "THIS", 1n)).toBeNull();
  expect(estimateOf(NO_ODDS, "THIS", 10_000_000n)).toBeNull();
});

test("shares are worth what those bring who take them", () => {
  const odds = oddsOf(book());
  expect(worthOf(odds, "THIS", 6_000)).toBe(30_000_000n + 5_000_000n);
  expect(worthOf(odds, "THAT", 1_000)).toBe(3_600_000n);
  expect(worthOf(NO_ODDS, "THIS", 100)).toBeNull();
});

test("what a share pays for its price is cut, never rounded up", () => {
  expect(timesOf(6_400)).toBe("1.56");
  expect(timesOf(3_333)).toBe("3.00");
  expect(timesOf(10)).toBe("1000.00");
});

test("a stake as it is typed", () => {
  expect(stakeOf("25")).toBe(25_000_000n);
  expect(stakeOf(" 1\u202f000,50 ")).toBe(1_000_500_000n);
  for (const text of ["", "0", "-1", "NaN", "1e3", "1.2.3", "0.0000001"]) expect(stakeOf(text)).toBeNull();
});

test("sides are called by the source's words, and a plain yes or no by the reader's", () => {
  const words = { yes: "Ja", no: "Nein" };
  expect(labelOf(undefined, "THIS", words)).toBe("Ja");
  expect(labelOf(["Yes", "No"], "THAT", words)).toBe("Nein");
  expect(labelOf(["Ravens", "Chiefs"], "THAT", words)).toBe("Chiefs");
  expect(sideOf({ side: "NO" })).toBe("THAT");
});

const BET = { id: "1", marketId: "7", side: "THIS", status: "OPEN", shares: "100.00", openShares: "80.00", cost: "40.000000", fee: "0.400000", proceeds: "7.000000", potentialPayout: "80.000000", profit: null } as unknown as BetView;

test("a part of a bet cost its part, fees with it", () => {
  expect(costOfPart(BET, 5_000)).toBe(20_200_000n);
  expect(costOfPart({ cost: "0", fee: "0", shares: "0" }, 100)).toBe(0n);
});

test("what bets add up to, exactly", () => {
  const known = new Map([["7", { outcomes: undefined, bestBid: "0.4500", bestAsk: "0.4700" }]]);
  const won = { ...BET, id: "2", status: "WON", profit: "17.000001" } as BetView;
  const lost = { ...BET, id: "3", status: "LOST", profit: "-40.000000" } as BetView;
  expect(sumsOf([BET, won, lost], known)).toEqual({ staked: 32_320_000n, pays: 80_000_000n, worth: 36_000_000n, profit: -22_999_999n, open: 1, unpriced: 0, ended: 2 });
  // One whose price isn't known is counted as such, not as worth nothing.
  expect(sumsOf([BET, { ...BET, id: "4", marketId: "8" }], known)).toMatchObject({ worth: 36_000_000n, open: 2, unpriced: 1 });
  expect(worthAt({ ...BET, side: "THAT" }, known.get("7"))).toBe(42_400_000n);
  expect(worthAt(BET, undefined)).toBeNull();
});

test("a line of chances has its least and its most, and never looks wilder than it is", () => {
  const known = (...chances: number[]) => chances.map((chance, at) => ({ at, chance }));
  expect(drawnChances(known(5_000))).toBeNull();
  expect(drawnChances(known(5_000, 5_000))).toEqual({ points: "0.0,60.0 400.0,60.0", least: 4_500, most: 5_500 });
  expect(drawnChances(known(2_000, 6_000, 4_000))).toEqual({ points: "0.0,120.0 200.0,120.0 200.0,0.0 400.0,0.0 400.0,60.0", least: 2_000, most: 6_000 });
  expect(drawnChances(known(9_900, 9_950))?.most).toBe(10_000);
});

test("two days are two days, however seldom somebody traded", () => {
  const [now, hour] = [Date.UTC(2026, 5, 10, 12, 30), 3_600_000];
  const point = (hoursAgo: number, price: string) => ({ time: new Date(now - hoursAgo * hour - 1_800_000).toISOString(), price });
  const told = (...points: readonly { time: string; price: string }[]) => lately(points, now).map(({ at, chance }) => [(now - at) / hour, chance]);
  expect(told()).toEqual([]);
  // What was traded at before is what they began with, and the last price holds.
  expect(told(point(200, "0.2"), point(100, "0.3"), point(10, "0.5"))).toEqual([[48, 3_000], [9.5, 5_000], [0, 5_000]]);
  expect(told(point(100, "0.3"))).toEqual([[48, 3_000], [0, 3_000]]);
  // The hour that isn't over yet reaches until now.
  expect(told(point(3, "0.4"), point(0, "0.6"))).toEqual([[2.5, 4_000], [0, 6_000]]);
});

test("a streak grows by a tenth a day up to day 11, as docs/economy.md says", () => {
  expect([1, 2, 7, 11, 30].map(multiplierOf)).toEqual(["1.00", "1.10", "1.60", "2.00", "2.00"]);
  const steps = stepsOf(3);
  expect(steps).toHaveLength(11);
  expect(steps.slice(0, 4).map((step) => [step.day, step.isDone, step.isNext])).toEqual([[1, true, false], [2, true, false], [3, false, true], [4, false, false]]);
  // A longer streak moves along, with the next day at its end.
  expect(stepsOf(40).map((step) => step.day)).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
});
