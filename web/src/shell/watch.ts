// Reading a signal for the sake of hearing of its changes, where its value itself isn't used.

import type { ReadonlySignal } from "@preact/signals";

/** Have the component or effect that calls this run anew whenever the signal changes. */
export function watch<T>(watched: ReadonlySignal<T>): T {
  return watched.value;
}
