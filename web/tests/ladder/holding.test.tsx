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

function props(holdMs: number): LadderProps {
  const book = new Book();
  book.replace([["0.5000", "3.00"]], []);
  return {
    feed: { book, hasBook: true, onBook: () => () => undefined }, tick: 100, lastPrice: signal(null), orders: signal([]), queue: signal(new Map()), isArmed: signal(true), isLive: signal(true),
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

test.each([
  ["a key", 0, 0, 1],
  ["a key that has to be held, and isn't", HOLD_MS, 10, 0],
  ["one that is held", HOLD_MS, HOLD_MS, 1],
])("on the armed ladder %s", (_, holdMs, heldMs, orders) => {
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({} as never);
  void act(() => render(<Ladder {...props(holdMs)} />, root));
  const ladder = root.querySelector("[data-ladder]");
  if (ladder === null) throw new Error("there is no ladder");
  send(ladder, new KeyboardEvent("keydown", { code: "KeyN", key: "n", bubbles: true }), 1_000);
  expect(placed).toHaveBeenCalledTimes(holdMs === 0 ? 1 : 0);
  send(ladder, new KeyboardEvent("keyup", { code: "KeyN", key: "n", bubbles: true }), 1_000 + heldMs);
  expect(placed).toHaveBeenCalledTimes(orders);
  expect(picked).toHaveBeenCalledTimes(1 - orders);
  if (orders > 0) expect(placed).toHaveBeenCalledWith(5000, "NO");
});
