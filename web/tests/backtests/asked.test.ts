import { describe, expect, test } from "vitest";
import type { ApiError } from "@/api/errors";
import type { BacktestView, OfferedView } from "@/api/schema";
import { bodyOf, defaultsOf, isOurs, namesOf, withMarket, writtenOf, type Written } from "@/backtests/asked";
import { offered, strategies, strategyOf, typedValue, valueOf, type Parameter } from "@/backtests/strategies";
import { asTold, otherwiseText, percentOf, strategyTitle, tapeText } from "@/backtests/words";
import { timeZone } from "@/shell/preferences";
import { momentOf, typedMoment } from "@/units/time";
import told from "./offered.json";

offered.value = told as unknown as OfferedView;

const WRITTEN: Written = { strategy: "momentum", values: defaultsOf("momentum"), source: "markets", markets: "rain", tape: "", printsOnly: true, from: "", to: "", cash: "250,5", isFree: true, latency: "0", seed: "7" };
const OURS = { id: "7", slug: "rain", question: "Will it rain?" };

function refusedBy(written: Written): string[] {
  try {
    bodyOf(written);
    return [];
  } catch (thrown) {
    return (thrown as ApiError).details.map((one) => one.field);
  }
}

describe("what is sent", () => {
  test("parameters are typed in credits and shares and sent as the exchange counts them", () => {
    expect(defaultsOf("momentum")).toEqual({ memory_s: "600", threshold: "0.02", most: "50" });
    expect(bodyOf({ ...WRITTEN, values: { memory_s: "0.5", threshold: "0,0255", most: "12.5" } })).toEqual({
      strategy: "momentum",
      parameters: { memory_s: 0.5, threshold: 255, most: 1_250 },
      markets: ["rain"],
      cash: "250.500000",
      fees: "MARKET",
      latencyMs: 0,
      seed: 7,
    });
  });

  test("a market of ours charges what it charges; a tape and other venues may be run without fees", () => {
    expect(bodyOf({ ...WRITTEN, markets: "kalshi:A, kalshi:B" })).toMatchObject({ markets: ["kalshi:A", "kalshi:B"], fees: "NONE" });
    expect(bodyOf({ ...WRITTEN, source: "sample" })).toMatchObject({ tape: "sample", printsOnly: true, fees: "NONE" });
    expect(bodyOf({ ...WRITTEN, source: "tape", tape: " june " })).toMatchObject({ tape: "june" });
    expect(bodyOf({ ...WRITTEN, source: "sample" })).not.toHaveProperty("markets");
    expect(isOurs({ source: "sample", markets: "rain" })).toBe(false);
    expect([withMarket("", "rain"), withMarket("rain", "snow"), withMarket("rain", "kalshi:A"), withMarket("kalshi:A", "kalshi:B"), withMarket("kalshi:A, kalshi:B", "kalshi:A")]).toEqual(["rain", "snow", "kalshi:A", "kalshi:A, kalshi:B", "kalshi:A, kalshi:B"]);
    expect(namesOf(" a,b  c ,")).toEqual(["a", "b", "c"]);
  });

  test("each field that can't be sent is named, all at once", () => {
    expect(refusedBy(WRITTEN)).toEqual([]);
    expect(refusedBy({ ...WRITTEN, values: { memory_s: "0", threshold: "0", most: "x" }, markets: " ", cash: "0", from: "soon", latency: "1.5", seed: "-1" })).toEqual(["memory_s", "threshold", "most", "markets", "cash", "from", "latencyMs", "seed"]);
    expect(refusedBy({ ...WRITTEN, source: "tape" })).toEqual(["tape"]);
    expect(refusedBy({ ...WRITTEN, latency: "3600001", seed: "9007199254740992" })).toEqual(["latencyMs", "seed"]);
  });

  test("times are the reader's, there and back", () => {
    timeZone.value = "America/New_York";
    expect(bodyOf({ ...WRITTEN, from: "2026-07-01T12:00", to: "2026-12-01T12:00:30" })).toMatchObject({ from: "2026-07-01T16:00:00.000Z", to: "2026-12-01T17:00:30.000Z" });
    for (const zone of ["America/New_York", "UTC", "Asia/Kathmandu", "local"]) {
      timeZone.value = zone;
      expect(momentOf(typedMoment("2026-07-01T16:00:05.000Z")).toISOString()).toBe("2026-07-01T16:00:05.000Z");
    }
  });
});

describe("parameters", () => {
  const of = (name: string): Parameter => {
    const found = strategyOf("mean-reversion")?.parameters.find((one) => one.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  test("bounds hold, the open one too", () => {
    expect([valueOf(of("enter"), "0"), valueOf(of("enter"), "0.1"), valueOf(of("enter"), "20"), valueOf(of("enter"), "20.1")]).toEqual([null, 0.1, 20, null]);
    expect([valueOf(of("leave"), "0"), valueOf(of("most"), "0"), valueOf(of("most"), "0.01"), valueOf(of("most"), "10000000.01")]).toEqual([0, null, 1, null]);
    expect([valueOf(of("enter"), ""), valueOf(of("enter"), "1e1"), valueOf(of("enter"), "-1")]).toEqual([null, null, null]);
  });

  test("one that has no words here isn't offered", () => {
    const other = { name: "mine", title: "Mine", parameters: [] };
    offered.value = { ...(told as unknown as OfferedView), strategies: [...(told as unknown as OfferedView).strategies, other] };
    expect(strategies.value.map((one) => one.name)).toEqual(["market-maker", "momentum", "mean-reversion", "fair-value", "arbitrage"]);
    offered.value = told as unknown as OfferedView;
  });

  test("each default is within its bounds, and typed as it is read back", () => {
    for (const one of strategies.value.flatMap((strategy) => strategy.parameters)) expect(valueOf(one, typedValue(one.unit, one.default))).toBe(one.default);
  });
});

test("a run comes back into the form as it was", () => {
  const run = { strategy: "momentum", parameters: { memory_s: 0.5, threshold: 255, most: 1_250 }, markets: [], played: [], tape: "sample", printsOnly: false, from: null, to: null, cash: "250.500000", fees: "NONE", latencyMs: 0, seed: 7, progress: "0.9999" } as unknown as BacktestView;
  const written = writtenOf(run, typedMoment);
  expect(written).toEqual({ strategy: "momentum", values: { memory_s: "0.5", threshold: "0.0255", most: "12.5" }, source: "sample", markets: "", tape: "sample", printsOnly: false, from: "", to: "", cash: "250.5", isFree: true, latency: "0", seed: "7" });
  expect(writtenOf({ ...run, tape: null, played: [OURS], cash: "1000.000000" }, typedMoment)).toMatchObject({ source: "markets", markets: "rain", cash: "1000" });
  expect([tapeText(run), tapeText({ ...run, tape: null, played: [OURS, { id: "b:2", slug: null, question: null }] }), strategyTitle("momentum"), strategyTitle("mine")]).toEqual(["made-up tape", "Will it rain?, b:2", "Momentum", "mine"]);
  expect([otherwiseText(run), otherwiseText({ ...run, parameters: { memory_s: 600, threshold: 300, most: 5_000 } as never })]).toEqual(["Memory 0.5, Threshold 0.0255, Largest position 12.5", "Threshold 0.03"]);
  expect(percentOf({ ...run, progress: "1.0000" })).toBe(99);
});

test("what a message doesn't say of a run's markets stays", () => {
  const read = { id: "1", markets: ["7"], played: [OURS], tape: null, status: "QUEUED", endedAt: null } as unknown as BacktestView;
  const now = asTold(read, { ...read, played: [{ id: "7", slug: null, question: null }], status: "RUNNING" });
  expect([now.status, tapeText(now)]).toEqual(["RUNNING", "Will it rain?"]);
  expect(asTold(read, undefined)).toBe(read);
});
