import { afterEach, expect, test } from "vitest";
import { language } from "@/shell/language";
import { LOCAL_ZONE, timeZone } from "@/shell/preferences";
import { clock, day, exact, momentOf, untilThen } from "@/units/time";

const WINTER = "2026-01-30T23:30:00Z";

afterEach(() => {
  timeZone.value = LOCAL_ZONE;
});

test("times are those of the zone that was chosen, at once", () => {
  timeZone.value = "UTC";
  expect([clock(WINTER), day(WINTER)]).toEqual(["23:30:00", "30 Jan 2026"]);
  timeZone.value = "Asia/Kolkata";
  expect([clock(WINTER), day(WINTER)]).toEqual(["05:00:00", "31 Jan 2026"]);
  expect(exact(WINTER)).toContain("GMT+5:30");
});

test("a zone that nobody knows is the device's own", () => {
  const own = clock(WINTER);
  timeZone.value = "Mars/Phobos";
  expect(clock(WINTER)).toBe(own);
  expect(momentOf("2026-01-30T12:00")).toEqual(new Date("2026-01-30T12:00"));
});

test.each([
  ["UTC", "2026-01-30T12:00", "2026-01-30T12:00:00.000Z"],
  ["Europe/Vienna", "2026-01-30T12:00", "2026-01-30T11:00:00.000Z"],
  ["Europe/Vienna", "2026-07-30T12:00:05", "2026-07-30T10:00:05.000Z"],
  // The night in which the clocks go back, before and after they do.
  ["Europe/Vienna", "2026-10-25T01:30", "2026-10-24T23:30:00.000Z"],
  ["Europe/Vienna", "2026-10-25T04:00", "2026-10-25T03:00:00.000Z"],
  ["America/New_York", "2026-03-08T00:30", "2026-03-08T05:30:00.000Z"],
])("%s %s is %s", (zone, typed, moment) => {
  timeZone.value = zone;
  expect(momentOf(typed).toISOString()).toBe(moment);
});

test("what is no time is no moment", () => {
  timeZone.value = "UTC";
  expect(Number.isNaN(momentOf("").getTime())).toBe(true);
});

test("how long it is until then is told in the reader's letters, and never in tens of thousands of days", () => {
  const hour = 3_600_000;
  const told = () => [26_331 * 24 * hour, 2 * 365 * 24 * hour, 729 * 24 * hour, 76 * hour, 5 * hour, 0].map((left) => untilThen(left, 0));
  expect(told()).toEqual(["72y", "2y", "729d", "3d 4h", "5h", "0m"]);
  language.value = "de";
  expect(told()).toEqual(["72J", "2J", "729T", "3T 4h", "5h", "0m"]);
  language.value = "en";
});
