import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import type { SignedInView } from "@/api/schema";

const MARK = "probity.session";
const ANN = { accessToken: "t", expiresIn: 900, user: { id: "1", displayName: "ann" } } as unknown as SignedInView;

let stored: Map<string, string>;

/** A page that begins anew, with answers to its calls in turn; a failure is thrown. */
async function page(...answers: readonly (SignedInView | ApiError)[]) {
  vi.resetModules();
  const session = await import("@/session/session");
  const { rest } = await import("@/api/rest");
  const { ApiError: Failure } = await import("@/api/errors");
  const left = [...answers];
  const call = vi.spyOn(rest, "call").mockImplementation((() => {
    const answer = left.shift() ?? new ApiError("OFFLINE", "");
    if ("accessToken" in answer) return Promise.resolve({ data: answer });
    return Promise.reject(new Failure(answer.code, answer.message, answer.status, [], answer.retryAfter));
  }) as never);
  return { ...session, call };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", {});
  stored = new Map();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("who never signed in is out without a call", async () => {
  const { restore, standing, call } = await page();
  await restore();
  expect(standing.value).toBe("out");
  expect(call).not.toHaveBeenCalled();
});

test("a page loaded while the exchange restarts goes on with its session afterwards", async () => {
  stored.set(MARK, "1");
  const { restore, standing } = await page(new ApiError("OFFLINE", ""), new ApiError("BROKEN_ANSWER", "", 503), ANN);
  await restore();
  expect(standing.value).toBe("unknown");
  expect(stored.has(MARK)).toBe(true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(standing.value).toBe("unknown");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(standing.value).toBe("in");
});

test("a renewal waits as long as the exchange asks for", async () => {
  stored.set(MARK, "1");
  const { restore, standing } = await page(new ApiError("RATE_LIMITED", "", 429, [], 30), ANN);
  await restore();
  await vi.advanceTimersByTimeAsync(29_000);
  expect(standing.value).toBe("unknown");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(standing.value).toBe("in");
});

test("a refusal ends the session, and nothing is asked again", async () => {
  stored.set(MARK, "1");
  const { restore, standing, call } = await page(new ApiError("UNAUTHORIZED", "", 401), ANN);
  await restore();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(standing.value).toBe("out");
  expect(stored.has(MARK)).toBe(false);
  expect(call).toHaveBeenCalledOnce();
});

test("a browser that keeps nothing can be signed in all the same", async () => {
  const refuse = () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  };
  vi.stubGlobal("localStorage", { getItem: refuse, setItem: refuse, removeItem: refuse });
  const { restore, signedIn, standing } = await page();
  await restore();
  signedIn(ANN);
  expect(standing.value).toBe("in");
});

test.each([["ann", 2], ["bob", 1]])("a call that was refused for its old token goes out with that of %s: %s calls", async (next, calls) => {
  const { RestClient } = await import("@/api/rest");
  let owner = "ann";
  const sent: (string | undefined)[] = [];
  const client = new RestClient("", (_, init) => {
    sent.push((init?.headers as Record<string, string>)["Authorization"]);
    const isNew = sent.length > 1;
    return Promise.resolve(Response.json(isNew ? { success: true, data: {} } : { success: false, error: { code: "UNAUTHORIZED", message: "", details: [] } }, { status: isNew ? 200 : 401 }));
  });
  client.useTokens({ current: () => "old", owner: () => owner, renew: () => Promise.resolve("new").finally(() => (owner = next)) });
  const answer = await client.call("post", "/economy/daily-credits").then(() => "done", (thrown: unknown) => (thrown as ApiError).code);
  expect(answer).toBe(next === "ann" ? "done" : "UNAUTHORIZED");
  expect(sent).toEqual(["Bearer old", "Bearer new"].slice(0, calls));
});
