import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { printOf, type Print } from "@/book/tape";
import { Past } from "@/trade/past";
import { reachesBack, tapeUpTo } from "@/trade/pastTape";

const asked: URL[] = [];
let answer: (url: URL) => Promise<Response>;
const book = (seq: number) => Response.json({ success: true, data: { bids: [["0.5000", `${seq}.00`]], asks: [], checksum: 0, seq, at: "2026-01-01T00:00:00.000Z" }, meta: {} });
function begin(newest: number): Past {
  vi.stubGlobal("fetch", (url: string) => {
    const at = new URL(url, "http://here");
    asked.push(at);
    return answer(at);
  });
  return new Past("m1", newest);
}
/** Long enough for one reading. */
const settle = () => vi.advanceTimersByTimeAsync(200);
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  asked.length = 0;
  vi.unstubAllGlobals();
});

test("it begins with the newest and never leaves what there is", async () => {
  answer = (url) => Promise.resolve(book(Number(url.searchParams.get("atSeq"))));
  const past = begin(9);
  await settle();
  expect(past.shown.value?.seq).toBe(9);
  past.go({ atSeq: 12 });
  await settle();
  past.go({ atSeq: -3 });
  await settle();
  expect(asked.map((url) => url.searchParams.get("atSeq"))).toEqual(["9", "9", "1"]);
});

test("of many wishes made while one is read only the newest is asked for", async () => {
  let let1Go: (response: Response) => void = () => undefined;
  answer = () => new Promise((resolve) => (let1Go = resolve));
  const past = begin(9);
  for (const atSeq of [8, 7, 6, 5]) past.go({ atSeq });
  answer = (url) => Promise.resolve(book(Number(url.searchParams.get("atSeq"))));
  let1Go(book(9));
  await settle();
  await settle();
  expect(asked.map((url) => url.searchParams.get("atSeq"))).toEqual(["9", "5"]);
  expect(past.shown.value?.seq).toBe(5);
  expect(past.book.bids[5_000]).toBe(500);
});

test("however fast the slider is drawn a few moments a second are read", async () => {
  answer = (url) => Promise.resolve(book(Number(url.searchParams.get("atSeq"))));
  const past = begin(1_000);
  for (let atSeq = 999; atSeq > 900; atSeq -= 1) {
    past.go({ atSeq });
    await vi.advanceTimersByTimeAsync(20);
  }
  await settle();
  expect(past.shown.value?.seq).toBe(901);
  expect(asked.length).toBeLessThanOrEqual(12);
});

test("a moment that can't be had is said, and what was shown stays", async () => {
  answer = (url) => Promise.resolve(book(Number(url.searchParams.get("atSeq"))));
  const past = begin(9);
  await settle();
  answer = () => Promise.resolve(Response.json({ success: false, error: { code: "NOT_FOUND", message: "not yet listed then", details: [] } }, { status: 404 }));
  past.go({ at: "2020-01-01T00:00:00Z" });
  await settle();
  expect(past.problem.value).toBe("not yet listed then");
  expect(past.shown.value?.seq).toBe(9);
});

const trade = (tradeNo: number) => ({ id: `m1-${tradeNo}`, tradeNo, seq: tradeNo * 10, yesPrice: "0.5000", quantity: "1.00", side: "BUY", outcome: "YES", createdAt: "2026-01-01T00:00:00.000Z" }) as Parameters<typeof printOf>[0];

test("the tape of a moment that isn't kept any more is read, and not taken for an empty one", async () => {
  const all = Array.from({ length: 900 }, (_, index) => trade(900 - index));
  answer = (url) => {
    const [after, before, limit] = ["afterSeq", "cursor", "limit"].map((name) => url.searchParams.get(name));
    const found = after === null ? all.filter(({ tradeNo }) => before === null || (tradeNo ?? 0) < Number(before)) : [...all].reverse().filter(({ seq }) => (seq ?? 0) > Number(after));
    return Promise.resolve(Response.json({ success: true, data: found.slice(0, Number(limit)), meta: {}, nextCursor: null }));
  };
  begin(9).close();
  const kept: readonly Print[] = all.slice(0, 500).map(printOf);
  expect(kept.filter((print) => print.seq <= 3_005)).toEqual([]);
  expect([reachesBack(kept, 3_005, 60), reachesBack(kept, 4_500, 60), reachesBack(kept, 9_000, 60), reachesBack([printOf(trade(1))], 5, 60)]).toEqual([false, false, true, true]);
  const numbers = async (seq: number) => (await tapeUpTo("m1", seq, new AbortController().signal)).map((print) => print.tradeNo);
  expect((await numbers(3_005)).slice(0, 2)).toEqual([300, 299]);
  expect((await numbers(9_000))[0]).toBe(900);
  expect(await numbers(5)).toEqual([]);
});
