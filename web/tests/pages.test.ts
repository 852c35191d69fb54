import { expect, test } from "vitest";
import { paysOf } from "@/admin/MarketPart";
import { slugOf } from "@/admin/NewMarket";
import { lineOf } from "@/portfolio/EquityCurve";
import { deviceName } from "@/account/SessionsPart";

test("what an answer pays each share", () => {
  expect(paysOf("YES", "")).toEqual({ yes: 10_000, no: 0 });
  expect(paysOf("NO", "")).toEqual({ yes: 0, no: 10_000 });
  expect(paysOf("SPLIT", "0.25")).toEqual({ yes: 2_500, no: 7_500 });
  expect(paysOf("SPLIT", "1.5")).toBeNull();
  expect(paysOf("VOID", "")).toBeNull();
});

test("a question as part of an address", () => {
  expect(slugOf("  Will Müller win, in 2027? ")).toBe("will-muller-win-in-2027");
  expect(slugOf("?")).toBe("");
});

test("a line touches top and bottom, and is nothing of one day", () => {
  expect(lineOf([0n, 10n, 5n])).toBe("0.0,120.0 200.0,0.0 400.0,60.0");
  expect(lineOf([1n])).toBe("");
});

test("a device by a few words", () => {
  expect(deviceName("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36")).toBe("Chrome, Linux");
  expect(deviceName("python-httpx/0.28")).toBe("python-httpx/0.28");
  expect(deviceName(null)).toBe("?");
});
