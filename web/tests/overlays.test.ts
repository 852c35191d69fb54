// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { listenToOverlayKeys, overlay } from "@/shell/overlays";

const press = (code: string, on: EventTarget = document.body, more: KeyboardEventInit = {}) => on.dispatchEvent(new KeyboardEvent("keydown", { code, key: code.replace("Key", "").toLowerCase(), bubbles: true, cancelable: true, ...more }));

test("what is typed into the palette before it is there does nothing to the page, but Esc cancels", () => {
  listenToOverlayKeys();
  const heard = vi.fn<(code: string) => void>();
  const ladder = document.body.appendChild(document.createElement("div"));
  ladder.addEventListener("keydown", (event) => heard(event.code));
  press("KeyB", ladder);
  press("KeyK", ladder, { ctrlKey: true });
  expect(overlay.value).toBe("palette");
  press("KeyB", ladder);
  press("Enter", ladder);
  expect(heard.mock.calls.map(([code]) => code)).toEqual(["KeyB", "KeyK"]);
  // Should it never come, it is given up with what Esc does anyway.
  press("Escape", ladder);
  expect(overlay.value).toBeNull();
  press("KeyB", ladder);
  expect(heard.mock.calls.map(([code]) => code)).toEqual(["KeyB", "KeyK", "Escape", "KeyB"]);
});
