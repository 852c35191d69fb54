import { expect, test } from "vitest";
import { addressOf, barOf, boardOf, periodOf, scoreText } from "@/boards/scores";

test("scores and how long their bars are", () => {
  expect(scoreText("pnl", "-12.345678")).toBe("\u221212.34");
  expect(scoreText("pnl", "12.345678")).toBe("+12.34");
  expect(scoreText("volume", "1234567.999999")).toBe("1\u202f234\u202f567.99");
  expect(scoreText("calibration", "0.04129999")).toBe("0.0412");
  expect(barOf("pnl", "50.0", "200.0")).toBe(25);
  expect(barOf("pnl", "-50.0", "200.0")).toBe(0);
  expect(barOf("pnl", "-50.0", "-10.0")).toBe(0);
  expect(barOf("calibration", "0.00000000", "0.1")).toBe(100);
  expect(barOf("calibration", "0.12500000", "0.1")).toBe(50);
  expect(barOf("calibration", "0.60000000", "0.1")).toBe(0);
});

test("each board of each period has an address, and what is unknown is the first", () => {
  expect(addressOf("pnl", "all")).toBe("/leaderboard");
  expect(addressOf("calibration", "week")).toBe("/leaderboard/calibration?period=week");
  expect(boardOf("nothing")).toBe("pnl");
  expect(periodOf("year")).toBe("all");
});
