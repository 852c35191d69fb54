// @vitest-environment happy-dom
import { beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import type { BetView, SignedInView } from "@/api/schema";
import { withBet } from "@/bets/ownBets";
import { Quoter, type Quoted } from "@/bets/quoting";
import { boundsIn, saidOf } from "@/bets/words";
import { Attempts } from "@/session/attempts";
import { signedIn, user } from "@/session/session";

const LOST = new ApiError("OFFLINE", "no answer");
const refused = (code: string, status: number, message = "", details: { field: string; message: string }[] = []) => new ApiError(code, message, status, details);

function signIn(id: string): void {
  signedIn({ user: { id, role: "USER" }, accessToken: "t", expiresIn: 1_000 } as unknown as SignedInView);
}

beforeEach(() => {
  sessionStorage.clear();
  signIn("7");
});

describe("asking for what must happen once", () => {
  test("an answer that is lost is asked for again under the same id, with the same words", async () => {
    const attempts = new Attempts<string>("bet.1", [0, 0]);
    const sent: string[] = [];
    const answer = await attempts.run("10 on YES", (attempt) => {
      sent.push(`${attempt.id} ${attempt.body}`);
      return sent.length < 3 ? Promise.reject(LOST) : Promise.resolve("placed");
    });
    expect(answer).toBe("placed");
    expect(new Set(sent).size).toBe(1);
    expect(attempts.open).toBeNull();
  });

  test("what has no answer at all stays open over a page that is loaded anew, and goes on as it was", async () => {
    const first = new Attempts<string>("bet.1", [0]);
    await expect(first.run("10 on YES", () => Promise.reject(LOST))).rejects.toMatchObject({ code: "UNKNOWN_OUTCOME" });
    const later = new Attempts<string>("bet.1", []);
    const open = later.open;
    expect(open).toMatchObject({ body: "10 on YES", isLost: true });
    // Whatever else is asked for: this comes first, under its own id.
    const send = vi.fn((attempt: { id: string; body: string }) => Promise.resolve(attempt));
    expect(await later.run("99 on NO", send)).toMatchObject({ id: open?.id, body: "10 on YES" });
    expect(later.open).toBeNull();
    expect(await later.run("99 on NO", send)).toMatchObject({ body: "99 on NO" });
  });

  test("a refusal is an answer; one that looked at nothing says nothing of what was lost before", async () => {
    const attempts = new Attempts<string>("bet.1", [0]);
    await expect(attempts.run("a", () => Promise.reject(refused("WORST_PRICE", 422)))).rejects.toMatchObject({ code: "WORST_PRICE" });
    expect(attempts.open).toBeNull();
    await expect(attempts.run("a", () => Promise.reject(refused("UNAVAILABLE", 503)))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(attempts.open).toBeNull();
    const answers = [LOST, refused("UNAVAILABLE", 503)];
    await expect(attempts.run("a", () => Promise.reject(answers.shift() ?? LOST))).rejects.toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(attempts.open?.isLost).toBe(true);
    await expect(attempts.run("a", () => Promise.reject(refused("NO_LIQUIDITY", 422)))).rejects.toMatchObject({ code: "NO_LIQUIDITY" });
    expect(attempts.open).toBeNull();
  });

  test("nobody goes on with what another one began", async () => {
    const attempts = new Attempts<string>("bet.1", []);
    await expect(attempts.run("of 7", () => Promise.reject(LOST))).rejects.toThrow();
    signIn("8");
    expect(attempts.open).toBeNull();
    expect(await attempts.run("of 8", (attempt) => Promise.resolve(attempt.body))).toBe("of 8");
    // Nor is it taken away from whose it is.
    signIn("7");
    expect(attempts.open?.body).toBe("of 7");
  });

  test("nobody who signs in while it waits to be asked for again asks for it", async () => {
    const attempts = new Attempts<string>("bet.1", [0, 0]);
    const askers: (string | undefined)[] = [];
    const running = attempts.run("of 7", () => {
      askers.push(user.peek()?.id);
      queueMicrotask(() => signIn("8"));
      return Promise.reject(LOST);
    });
    await expect(running).rejects.toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(askers).toEqual(["7"]);
    expect(attempts.open).toBeNull();
    signIn("7");
    expect(attempts.open?.isLost).toBe(true);
  });

  test.each([
    ["a fault of the exchange", refused("INTERNAL_ERROR", 500)],
    ["an answer that broke off", refused("BROKEN_ANSWER", 201)],
    ["a proxy's word", refused("BROKEN_ANSWER", 502)],
  ])("%s says nothing of what became of it", async (_, error) => {
    const attempts = new Attempts<string>("bet.1", []);
    await expect(attempts.run("a", () => Promise.reject(error))).rejects.toMatchObject({ code: "UNKNOWN_OUTCOME" });
    expect(attempts.open?.isLost).toBe(true);
    await expect(attempts.run("a", () => Promise.reject(refused("BROKEN_ANSWER", 413)))).rejects.toMatchObject({ code: "BROKEN_ANSWER" });
    expect(attempts.open).toBeNull();
  });

  test("a browser that has no room keeps it as long as the page lives", async () => {
    vi.stubGlobal("sessionStorage", { getItem: () => null, removeItem: () => undefined, setItem: () => { throw new DOMException("full", "QuotaExceededError"); } });
    const ids: string[] = [];
    const lose = (attempt: { id: string }) => {
      ids.push(attempt.id);
      return Promise.reject(LOST);
    };
    await expect(new Attempts<string>("bet.1", []).run("a", lose)).rejects.toThrow();
    const later = new Attempts<string>("bet.1", []);
    expect(later.open?.body).toBe("a");
    await expect(later.run("b", lose)).rejects.toThrow();
    expect(new Set(ids).size).toBe(1);
    const open = later.open;
    if (open !== null) later.forget(open);
    expect(later.open).toBeNull();
    vi.unstubAllGlobals();
  });
});

describe("refusals in words", () => {
  const amount = [{ field: "amount", message: "must lie between 10.000000 and 10000.000000" }];
  test("a stake beyond the bounds has the nearest one that isn't", () => {
    expect(boundsIn("must lie between 10.000000 and 10000.000000")).toEqual([10_000_000n, 10_000_000_000n]);
    const said = (stake: bigint, available: bigint | null) => saidOf(refused("VALIDATION_ERROR", 400, "", amount), stake, available).nearest?.stake;
    expect(said(9_990_000n, 1_000_000_000n)).toBe("10");
    expect(said(10_000_010_000n, null)).toBe("10000");
    // What one doesn't have is no help.
    expect(said(10_000_010_000n, 1_234_567_890n)).toBe("1234.56");
    expect(said(5_000_000n, 9_000_000n)).toBeUndefined();
  });

  test("more than one has leads to all that one has", () => {
    const error = refused("INSUFFICIENT_BALANCE", 422, "The balance is less");
    expect(saidOf(error, 50_000_000n, 12_345_678n)).toMatchObject({ text: "You don't have that many credits.", nearest: { stake: "12.34" } });
    expect(saidOf(error, 50_000_000n, 0n).nearest).toBeNull();
  });

  test("what has no words of its own is said as the exchange says it", () => {
    expect(saidOf(refused("SOMETHING_NEW", 422, "Something new"), null, null)).toEqual({ text: "Something new", nearest: null });
    expect(saidOf(refused("NOTHING_TRADED", 422, "Nothing was traded, by SELF_TRADE; nothing was charged"), null, null).text).toContain("orders of your own");
    const elsewhere = refused("NOT_MIRRORED", 422, "", [{ field: "marketId", message: "can't be traded here: it is shown, and nobody has mirrored it" }]);
    expect(saidOf(elsewhere, null, null).text).toBe("It can't be bet on here: it is shown, and nobody has mirrored it");
  });
});

test("a list of bets stays newest first, and holds what was asked for alone", () => {
  const bet = (id: string, status = "OPEN") => ({ id, status }) as BetView;
  const list = [bet("10"), bet("9")];
  expect(withBet(list, bet("11"), true).map((one) => one.id)).toEqual(["11", "10", "9"]);
  expect(withBet(list, bet("9", "SOLD"), true)[1]?.status).toBe("SOLD");
  expect(withBet(list, bet("9", "SOLD"), false).map((one) => one.id)).toEqual(["10"]);
  expect(withBet(list, bet("12"), false)).toBe(list);
});

describe("quoting", () => {
  test("prices that move all the time keep no answer away, and another stake's answer is dropped", async () => {
    vi.useFakeTimers();
    const answers: ((quote: string) => void)[] = [];
    const told: [string, Quoted<string>][] = [];
    const quoter = new Quoter<string>(() => new Promise((resolve) => answers.push(resolve)), (key, quoted) => told.push([key, quoted]));
    for (let times = 0; times < 20; times += 1) {
      quoter.want("a");
      await vi.advanceTimersByTimeAsync(50);
    }
    quoter.want("a");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(answers).toHaveLength(1);
    quoter.want("a");
    answers[0]?.("first");
    await vi.advanceTimersByTimeAsync(999);
    expect(told).toEqual([["a", { state: "known", quote: "first" }]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(answers).toHaveLength(2);
    quoter.want("b");
    answers[1]?.("late");
    await vi.advanceTimersByTimeAsync(200);
    answers[2]?.("of b");
    await vi.advanceTimersByTimeAsync(0);
    expect(told.slice(1)).toEqual([["b", { state: "known", quote: "of b" }]]);
    quoter.stop();
    vi.useRealTimers();
  });
});
