// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Book } from "@/book/book";
import { Ladder, type LadderProps } from "@/ladder/Ladder";
import { LadderTable } from "@/ladder/LadderTable";

const HOLD_MS = 450;
const placed = vi.fn();
const picked = vi.fn();
let root: HTMLElement;

function props(holdMs: number, tick = 100): LadderProps {
  const book = new Book();
  book.replace([["0.5000", "3.00"]], []);
  return {
    feed: { book, hasBook: true, onBook: () => () => undefined }, tick, lastPrice: signal(null), orders: signal([]), queue: signal(new Map()), isArmed: signal(true), isLive: signal(true),
    isPast: false, onArm: null, holdMs, onPick: picked, onPlace: placed, onMove: vi.fn(), onCancel: vi.fn(),
  };
}

/** Send an event of a moment of its own. */
function send(to: Element, event: Event, at: number): void {
  Object.defineProperty(event, "timeStamp", { value: at });
  void act(() => void to.dispatchEvent(event));
}

beforeEach(() => {
  placed.mockClear();
  picked.mockClear();
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  root.remove();
});

test.each([
  ["a plain click", 0, 10, 1],
  ["a click that has to be held, and isn't", HOLD_MS, 10, 0],
  ["one that is held", HOLD_MS, HOLD_MS, 1],
])("on the armed table %s", (_, holdMs, heldMs, orders) => {
  void act(() => render(<LadderTable {...props(holdMs)} />, root));
  const button = root.querySelector("button");
  if (button === null) throw new Error("there is no button");
  send(button, new Event("pointerdown", { bubbles: true }), 1_000);
  send(button, new MouseEvent("click", { bubbles: true }), 1_000 + heldMs);
  expect(placed).toHaveBeenCalledTimes(orders);
  expect(picked).toHaveBeenCalledTimes(1 - orders);
  // What isn't said to have been pressed (a screen reader's click) wasn't held.
  send(button, new MouseEvent("click", { bubbles: true }), 9_000);
  expect(placed).toHaveBeenCalledTimes(holdMs === 0 ? 2 : orders);
});

test("a key that is held on a button of the table clicks once", () => {
  void act(() => render(<LadderTable {...props(0)} />, root));
  const again = new KeyboardEvent("keydown", { key: "Enter", repeat: true, bubbles: true, cancelable: true });
  root.querySelector("button")?.dispatchEvent(again);
  expect(again.defaultPrevented).toBe(true);
});

const key = (to: Element, type: "keydown" | "keyup", code: string, at = 0) => send(to, new KeyboardEvent(type, { code, key: code.startsWith("Key") ? code.slice(3).toLowerCase() : code, bubbles: true }), at);

/** The ladder as it is shown, and its part that has the focus. */
function ladder(given: LadderProps): Element {
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({} as never);
  void act(() => render(<Ladder {...given} />, root));
  const found = root.querySelector("[data-ladder]");
  if (found === null) throw new Error("there is no ladder");
  return found;
}

test.each([
  ["a key", 0, 0, 1],
  ["a key that has to be held, and isn't", HOLD_MS, 10, 0],
  ["one that is held", HOLD_MS, HOLD_MS, 1],
])("on the armed ladder %s", (_, holdMs, heldMs, orders) => {
  const shown = ladder(props(holdMs));
  key(shown, "keydown", "ArrowDown");
  key(shown, "keydown", "KeyN", 1_000);
  expect(placed).toHaveBeenCalledTimes(holdMs === 0 ? 1 : 0);
  key(shown, "keyup", "KeyN", 1_000 + heldMs);
  expect(placed).toHaveBeenCalledTimes(orders);
  expect(picked).toHaveBeenCalledTimes(1 - orders);
  if (orders > 0) expect(placed).toHaveBeenCalledWith(5000, "NO");
});

test("a key acts only at a row that is marked: the first one shows it", () => {
  const given = { ...props(0), onCancel: vi.fn() };
  const shown = ladder(given);
  for (const code of ["KeyB", "Delete", "Enter"]) {
    void act(() => render(null, root));
    const anew = ladder(given);
    expect(anew.querySelector(".cursor.shown")).toBeNull();
    key(anew, "keydown", code);
    expect(anew.querySelector(".cursor.shown")).not.toBeNull();
    expect(root.querySelector("[role=status]")?.textContent).toContain("YES 0.50");
    // However long it is held.
    send(anew, new KeyboardEvent("keydown", { code, key: code === "KeyB" ? "b" : code, repeat: true, bubbles: true }), 0);
  }
  expect([placed, picked, given.onCancel].map((one) => one.mock.calls.length)).toEqual([0, 0, 0]);
  expect(shown.isConnected).toBe(false);
});

test("the row that is marked keeps its price when the steps become finer", () => {
  const shown = ladder(props(0, 10));
  for (const code of ["ArrowDown", "ArrowDown", "ArrowDown"]) key(shown, "keydown", code);
  const finer = [...root.querySelectorAll("button")].find((one) => one.textContent === "Fine steps");
  void act(() => finer?.click());
  key(shown, "keydown", "KeyB");
  expect(placed.mock.calls).toEqual([[4800, "YES"]]);
});
