// The trading keys, by their place on the keyboard, and the two that always cancel.
//
//   Esc          cancel everything in this market          Shift+Esc   cancel everything everywhere
//   C centre the ladder   A arm it   Y / N outcome   B / S side   P price field   Q shares field
//   V read the prices aloud
//
// Laws: a cancel leaves in the handler of its key, before anything is painted or asked, and is never
// counted or delayed. Letters do nothing while one types, nor when they are switched off, nor
// again as long as they are held.

import { rememberedSwitch } from "@/shell/preferences";

export const areKeysOn = rememberedSwitch("keys", true);

export interface TradeKeys {
  readonly cancelHere: () => void;
  readonly cancelEverywhere: () => void;
  readonly centre: () => void;
  readonly arm: () => void;
  readonly outcome: (outcome: "YES" | "NO") => void;
  readonly side: (side: "BUY" | "SELL") => void;
  readonly speak: () => void;
  readonly focus: (field: "price" | "quantity") => void;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}

/** Listen until the returned function is called. */
export function listenToKeys(keys: TradeKeys): () => void {
  const letters: Record<string, () => void> = {
    KeyC: keys.centre,
    KeyA: keys.arm,
    KeyY: () => keys.outcome("YES"),
    KeyN: () => keys.outcome("NO"),
    KeyB: () => keys.side("BUY"),
    KeyS: () => keys.side("SELL"),
    KeyV: keys.speak,
    KeyP: () => keys.focus("price"),
    KeyQ: () => keys.focus("quantity"),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.code === "Escape") {
      // A dialog is closed by it first.
      if (document.querySelector("dialog[open]") !== null || event.repeat) return;
      if (event.shiftKey) keys.cancelEverywhere();
      else keys.cancelHere();
      return;
    }
    if (!areKeysOn.peek() || event.repeat || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const act = letters[event.code];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}
