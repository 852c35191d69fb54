// Which overlay is open: the palette, the sheet of keys or a phone's menu. Their code is loaded when one is opened first.
//
// Law: whoever has opened one types into it: until it is there its keys do nothing else, but for Esc, which
// gives it up and cancels as always.

import { signal } from "@preact/signals";

export type Overlay = "palette" | "keys" | "menu";
export const overlay = signal<Overlay | null>(null);

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}

/** Whether an overlay was asked for and isn't shown yet. */
function isComing(): boolean {
  return overlay.peek() !== null && document.querySelector("dialog[open]") === null;
}

/** Listen to the keys that hold on every page. */
export function listenToOverlayKeys(): void {
  addEventListener("keydown", (event) => {
    if (!isComing() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "Escape") overlay.value = null;
    else {
      event.preventDefault();
      event.stopPropagation();
    }
  }, { capture: true });
  addEventListener("keydown", (event) => {
    if (event.code === "KeyK" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      overlay.value = overlay.peek() === "palette" ? null : "palette";
    } else if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "?") overlay.value = "keys";
    else if (event.key === "/") {
      event.preventDefault();
      const field = document.querySelector<HTMLInputElement>("[data-search]");
      if (field === null) overlay.value = "palette";
      else field.focus();
    }
  });
}
