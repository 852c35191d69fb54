// @vitest-environment happy-dom
import { expect, test } from "vitest";
import type { ResearchView } from "@/api/schema";
import { asTold } from "@/research/Answer";
import { centsOf, centsText, fieldsOf, linkOf } from "@/research/content";

test("only an address of the web is a link, whatever it is called", () => {
  expect(linkOf("https://www.weather.example/vienna?a=1#b")).toEqual({ href: "https://www.weather.example/vienna?a=1#b", host: "weather.example" });
  expect(linkOf("http://weather.example")).toEqual({ href: "http://weather.example/", host: "weather.example" });
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)", "data:text/html,<script>", "blob:https://a.example/1", "file:///etc/passwd", "ftp://a.example/", "//a.example", "/trade/rain", "", "https://", "https://bank.example@evil.example/"]) {
    expect(linkOf(address), address).toBeNull();
  }
});

test("an object is read by its fields, and all of it stays text", () => {
  expect(fieldsOf('{"chance":0.4,"why":"<b>rain</b>","days":["Mon","Tue"],"more":{"a":[1]},"none":null}')).toEqual([
    { name: "chance", text: "0.4" },
    { name: "why", text: "<b>rain</b>" },
    { name: "days", text: "• Mon\n• Tue" },
    { name: "more", text: '{\n  "a": [\n    1\n  ]\n}' },
    { name: "none", text: "–" },
  ]);
  expect([fieldsOf("{"), fieldsOf("[1]"), fieldsOf("3"), fieldsOf("null")]).toEqual([null, null, null, null]);
  expect(fieldsOf(JSON.stringify(Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`f${index}`, 1]))))).toBeNull();
});

test("cents are compared in hundredths and written short", () => {
  expect(["0.50", "2.50", "10.00", "0.00", "100.05"].map(centsText)).toEqual(["0.5", "2.5", "10", "0", "100.05"]);
  expect(["0.50", "10.00", "-", ""].map(centsOf)).toEqual([50n, 1_000n, 0n, 0n]);
});

test("a message changes how a question stands, but for its market's question and for one that has ended", () => {
  const read = { id: "1", status: "RUNNING", question: "Rain?", endedAt: null } as ResearchView;
  const told = { ...read, status: "COMPLETED", question: null, endedAt: "2026-01-01T00:00:00Z" } as ResearchView;
  expect(asTold(read, told)).toMatchObject({ status: "COMPLETED", question: "Rain?" });
  expect(asTold(read, undefined)).toBe(read);
  expect(asTold(told, read)).toBe(told);
});
