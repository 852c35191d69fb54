import { afterEach, expect, test } from "vitest";
import { priceFormat, type PriceFormat } from "@/shell/preferences";
import { fromTyped, priceIn, shownDifference, shownPrice, shownText, toTyped } from "@/units/prices";

afterEach(() => {
  priceFormat.value = "price";
});

test.each<[PriceFormat, string, string, string]>([
  ["price", "0.55", "0.550", "0.01"],
  ["percent", "55\u202f%", "55.0\u202f%", "1\u202f%"],
  ["cents", "55\u202f¢", "55.0\u202f¢", "1\u202f¢"],
  ["odds", "1.82", "1.82", "100.00"],
])("a price in %s", (form, coarse, fine, least) => {
  expect([priceIn(form, 5_500), priceIn(form, 5_500, 10), priceIn(form, 100)]).toEqual([coarse, fine, least]);
});

test("what is shown follows what is preferred; odds have no differences, and of nothing no odds", () => {
  priceFormat.value = "cents";
  expect([shownPrice(5_550, 10), shownDifference(200), shownText("0.4"), shownText("")]).toEqual(["55.5\u202f¢", "2\u202f¢", "40\u202f¢", ""]);
  priceFormat.value = "odds";
  expect([shownPrice(10_000), shownPrice(0), shownDifference(200)]).toEqual(["1.00", "–", "0.02"]);
});

test.each<[PriceFormat, string, string]>([
  ["price", "0.55", "0.55"],
  ["odds", "0.55", "0.55"],
  ["cents", "55", "0.55"],
  ["cents", "55.5 ¢", "0.555"],
  ["percent", "5%", "0.05"],
  ["percent", "", ""],
  ["percent", "55.", "x"],
  ["cents", "55.555", "x"],
])("what is typed in %s: %s", (form, typed, price) => expect(fromTyped(form, typed)).toBe(price));

test("what stands in a field is what would be typed there", () => {
  expect([toTyped("cents", "0.555"), toTyped("percent", "0.50"), toTyped("price", "0.50"), toTyped("cents", "")]).toEqual(["55.5", "50", "0.50", ""]);
});
