// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { ResearchBudgetView, SignedInView, WholeResearchView } from "@/api/schema";
import { Answer } from "@/research/Answer";
import { Ask } from "@/research/Ask";
import { signedIn } from "@/session/session";

const BUDGET: ResearchBudgetView = { available: true, month: "2026-11", budget: "100.00", held: "1.00", spent: "97.00", left: "2.00", costs: [["lite", "0.50"], ["base", "1.00"], ["core", "2.50"], ["pro", "10.00"], ["ultra", "30.00"]].map(([processor, cost]) => ({ processor: processor ?? "", cost: cost ?? "" })), searchCost: "0.50" };
const DONE = {
  id: "9", query: "Rain?", marketId: null, question: null, processor: "base", outputFormat: "text", status: "COMPLETED", cached: true, cost: "0.00", progress: { percent: null, sourcesConsidered: null, sourcesRead: null, message: null }, error: null, createdAt: "2026-01-01T00:00:00Z", startedAt: null, endedAt: "2026-01-01T00:00:00Z", contentType: "text",
  content: "It will <img src=x onerror=alert(1)> rain.",
  sources: [{ field: "output", reasoning: "<i>two</i>", confidence: "high", citations: [{ url: "https://weather.example/", title: "<b>Vienna</b>", excerpts: ["Rain."] }, { url: "javascript:alert(1)", title: "Click", excerpts: [] }] }],
} as unknown as WholeResearchView;

const root = document.createElement("div");

beforeEach(() => {
  sessionStorage.clear();
  signedIn({ user: { id: "7", role: "USER" }, accessToken: "t", expiresIn: 1_000 } as unknown as SignedInView);
  document.body.append(root);
});
afterEach(() => {
  void act(() => render(null, root));
  vi.restoreAllMocks();
});

function answering(post: (body: unknown) => Promise<unknown>, budget = BUDGET): unknown[] {
  const sent: unknown[] = [];
  vi.spyOn(rest, "call").mockImplementation(((method: string, path: string, options: { body?: unknown }) => {
    if (path === "/research/budget") return Promise.resolve({ data: budget });
    if (path === "/research/{id}") return Promise.resolve({ data: DONE });
    if (method === "post") sent.push(options.body);
    return post(options.body);
  }) as never);
  return sent;
}

function type(text: string): void {
  const field = root.querySelector("textarea");
  if (field === null) throw new Error("no field");
  field.value = text;
  void act(() => {
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

const later = (ms: number) => act(async () => {
  await vi.advanceTimersByTimeAsync(ms);
});
const send = () => act(() => void root.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true })));

test("a question says what it costs and what is left, and goes out once under an id of its own", async () => {
  const asked: string[] = [];
  const sent = answering(() => Promise.resolve({ data: DONE }));
  void act(() => render(<Ask marketId="7" onAsked={(made) => asked.push(made.id)} />, root));
  await vi.waitFor(() => expect(root.querySelector("[data-left]")?.textContent).toBe("2 ¢ of 100 ¢ are left in 2026-11 · 1 ¢ held for what is under way"));
  expect(root.querySelector("[data-ask]")?.textContent).toBe("Ask for 1 ¢");
  void act(() => root.querySelector<HTMLInputElement>("input[value=core]")?.click());
  expect(root.textContent).toContain("more than is left");
  type(" Rain? ");
  void send();
  await vi.waitFor(() => expect(asked).toEqual(["9"]));
  expect(sent).toEqual([{ query: "Rain?", processor: "core", outputFormat: "text", marketId: "7", requestId: expect.stringMatching(/^web-/) as string }]);
});

test("a question whose answer is lost is asked for again under the same id before there is another one", async () => {
  vi.useFakeTimers();
  let isLost = true;
  const asked: string[] = [];
  const sent = answering(() => (isLost ? Promise.reject(new ApiError("OFFLINE", "no answer")) : Promise.resolve({ data: DONE }))) as { requestId: string; query: string }[];
  void act(() => render(<Ask onAsked={(made) => asked.push(made.id)} />, root));
  await vi.waitFor(() => expect(root.querySelector("form")).not.toBeNull());
  type("Rain?");
  void send();
  await later(10_000);
  expect(root.querySelector("[data-lost]")).not.toBeNull();
  expect(root.querySelector("form")).toBeNull();
  isLost = false;
  void act(() => root.querySelector<HTMLButtonElement>("[data-lost] .primary")?.click());
  await later(100);
  vi.useRealTimers();
  expect(asked).toEqual(["9"]);
  expect(sent.length).toBeGreaterThan(1);
  expect(new Set(sent.map((one) => `${one.requestId} ${one.query}`)).size).toBe(1);
});

test("where research isn't set up the page says so and asks nothing", async () => {
  answering(() => Promise.reject(new Error("asked")), { ...BUDGET, available: false });
  void act(() => render(<Ask onAsked={() => undefined} />, root));
  await vi.waitFor(() => expect(root.querySelector("[data-off]")?.textContent).toContain("isn't set up"));
  expect(root.querySelector("form")).toBeNull();
});

test("what comes from the web stays text, and links out say nothing of where one comes from", async () => {
  answering(() => Promise.reject(new Error("asked")));
  void act(() => render(<Answer id="9" onRemoved={() => undefined} />, root));
  await vi.waitFor(() => expect(root.querySelector("[data-answer]")?.textContent).toBe("It will <img src=x onerror=alert(1)> rain."));
  expect(root.querySelector("img, i, b")).toBeNull();
  expect(root.querySelector("[data-cached]")).not.toBeNull();
  const links = [...root.querySelectorAll("a")];
  expect(links.map((link) => [link.getAttribute("href"), link.rel, link.target, link.textContent])).toEqual([["https://weather.example/", "noopener noreferrer nofollow", "_blank", "<b>Vienna</b>"]]);
  expect(root.textContent).toContain("javascript:alert(1) (no address of the web)");
});
