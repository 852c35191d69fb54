import { describe, expect, test } from "vitest";
import { cashOf, cashText, costOf, formatCash, formatChance, formatGain, formatPrice, formatQuantity, formatShort, onTick, parseCash, parsePrice, parseQuantity, plainNumber, priceText, quantityText, typedCash, typedQuantity } from "@/units/money";

describe("parsing", () => {
  test.each([["0,5", 5000], [" 0,55 ", 5500], ["0.55", 5500], ["1.000,5", null], ["1,2,3", null]])("the typed price %s", (typed, price) => expect(parsePrice(plainNumber(typed))).toBe(price));
  test.each([["0.55", 5500], ["0.5500", 5500], ["1", 10_000], [" 0.01 ", 100], ["0.55000", 5500]])("the price %s", (text, price) => expect(parsePrice(text)).toBe(price));
  test.each(["", ".5", "0.55001", "1e3", "NaN", "0x10", "0,5", "٣", "1.2.3", "--1"])("no price: %j", (text) => expect(parsePrice(text)).toBeNull());
  test("quantities and money", () => {
    expect(parseQuantity("12.5")).toBe(1250);
    expect(parseQuantity("0.001")).toBeNull();
    expect(parseQuantity("100000000.00")).toBe(10_000_000_000);
    expect(parseCash("1000000000000.000001")).toBe(1_000_000_000_000_000_001n);
    expect(parseCash("-1.5")).toBe(-1_500_000n);
  });
});

describe("formatting", () => {
  test("what stands in a field has no zeros behind its point", () => {
    expect([25_000_000n, 12_500_000n, 100_000_000n, 0n, 1n].map(typedCash)).toEqual(["25", "12.5", "100", "0", "0.000001"]);
    expect([1250, 1200, 10_000, 1].map(typedQuantity)).toEqual(["12.5", "12", "100", "0.01"]);
  });
  test("prices have the decimals of their tick, and more if they have more", () => {
    expect(formatPrice(5500)).toBe("0.55");
    expect(formatPrice(5500, 10)).toBe("0.550");
    expect(formatPrice(5500, 1)).toBe("0.5500");
    expect(formatPrice(5555)).toBe("0.5555");
    expect(formatChance(5500)).toBe("55\u202f%");
    expect(formatChance(5550)).toBe("55.5\u202f%");
  });
  test("money is cut, never rounded, and exact where asked", () => {
    expect(formatCash(1_999_999n)).toBe("1.99");
    expect(formatCash(1_999_999n, true)).toBe("1.999999");
    expect(formatCash(1_500_000n, true)).toBe("1.50");
    expect(formatCash(-1_234_567_890_000n)).toBe("\u22121\u202f234\u202f567.89");
    expect(formatGain(1_000_000n)).toBe("+1.00");
    expect(formatGain(0n)).toBe("0.00");
    expect(formatCash(10n ** 18n)).toBe("1\u202f000\u202f000\u202f000\u202f000.00");
  });
  test("quantities leave whole shares without decimals", () => {
    expect(formatQuantity(1200)).toBe("12");
    expect(formatQuantity(1250)).toBe("12.50");
    expect(formatQuantity(123_456_700)).toBe("1\u202f234\u202f567");
  });
  test("short", () => {
    expect(formatShort(999_000_000n)).toBe("999");
    expect(formatShort(1_250_000_000n)).toBe("1.2k");
    expect(formatShort(5_791_059_000_000n)).toBe("5.7M");
  });
});

test("what the API takes comes back the same", () => {
  for (const price of [1, 99, 100, 5500, 9999]) expect(parsePrice(priceText(price))).toBe(price);
  for (const quantity of [1, 100, 1250, 10_000_000_000]) expect(parseQuantity(quantityText(quantity))).toBe(quantity);
  for (const cash of [0n, 1n, -1n, 10n ** 18n]) expect(parseCash(cashText(cash))).toBe(cash);
});

test("price times quantity is money, exactly", () => {
  expect(costOf(5500, 1000)).toBe(5_500_000n);
});

test("the nearest price on a tick stays inside", () => {
  expect(onTick(5549, 100)).toBe(5500);
  expect(onTick(5550, 100)).toBe(5600);
  expect(onTick(0, 100)).toBe(100);
  expect(onTick(10_000, 100)).toBe(9900);
});

test("money of other venues, which has more decimals, is cut", () => {
  expect(cashOf("1234.56789012")).toBe(1_234_567_890n);
  expect(cashOf("-0.00000001")).toBe(0n);
  expect(cashOf("n/a")).toBe(0n);
  expect(parseCash("1.00000001")).toBeNull();
});
