// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BetQuoteView, BetView, ListedMarketView, SignedInView } from "@/api/schema";
import { BetDesk } from "@/bets/betDesk";
import { signedIn } from "@/session/session";

interface Sent {
  readonly path: string;
  readonly body: Record<string, unknown>;
}
let sent: Sent[] = [];
/** What is answered to a call: data, or that no answer comes. */
let answers: (sent: Sent) => unknown = () => [];

beforeEach(() => {
  sessionStorage.clear();
  sent = [];
  signedIn({ user: { id: "7", role: "USER" }, accessToken: "t", expiresIn: 1_000 } as unknown as SignedInView);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const call = { path, body: typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {} };
    sent.push(call);
    const data = answers(call);
    if (data instanceof Response) return Promise.resolve(data);
    return data === null ? Promise.reject(new TypeError("cut off")) : Promise.resolve(Response.json({ success: true, data, meta: {} }));
  });
});
afterEach(() => vi.unstubAllGlobals());

function desk(id: string): BetDesk {
  return new BetDesk(signal({ id, slug: id, status: "OPEN" } as ListedMarketView), "THAT");
}

const bet = (part: Partial<BetView>) => ({ id: "5", side: "THAT", slug: "mirror-3", ...part }) as BetView;

test("what is bet is what was quoted, at its worst price or better, under an id", async () => {
  const here = desk("7");
  answers = ({ path }) => (path.endsWith("/bets") ? bet({}) : []);
  here.stakeText.value = "12,5";
  await here.place({ worstPrice: "0.3800" } as BetQuoteView);
  const body = sent.find((call) => call.path.endsWith("/bets"))?.body;
  expect(body).toMatchObject({ marketId: "7", side: "THAT", amount: "12.500000", maxPrice: "0.3800" });
  expect(body?.["clientBetId"]).toMatch(/^web-[0-9a-f]{24}$/);
  expect(here.placed.value?.id).toBe("5");
  // Whoever chooses a side then begins another bet.
  here.choose("THIS");
  expect(here.placed.value).toBeNull();
  here.close();
});

test("another venue's question goes on in the mirror that the first bet made", () => {
  const elsewhere = desk("kalshi:X");
  elsewhere.placed.value = bet({});
  expect(elsewhere.betAgain()).toBe("mirror-3");
  elsewhere.close();
});

test("a bet whose answer was lost is known once it is among one's bets", async () => {
  vi.useFakeTimers();
  const here = desk("7");
  answers = ({ path }) => (path.endsWith("/bets") ? null : []);
  const sending = here.place({ worstPrice: "0.3800" } as BetQuoteView);
  await vi.advanceTimersByTimeAsync(10_000);
  await sending;
  vi.useRealTimers();
  const ids = sent.filter((call) => call.path.endsWith("/bets")).map((call) => call.body["clientBetId"]);
  expect(ids).toHaveLength(4);
  expect(new Set(ids).size).toBe(1);
  expect(here.problem.value?.code).toBe("UNKNOWN_OUTCOME");
  here.recognise([bet({ clientBetId: "another" })]);
  expect(here.attempts.open?.id).toBe(ids[0]);
  here.recognise([bet({ clientBetId: String(ids[0]) })]);
  expect([here.attempts.open, here.problem.value, here.placed.value?.id]).toEqual([null, null, "5"]);
  here.close();
});
