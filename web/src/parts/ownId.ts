// Ids of elements, for labels to lead to: Preact's own begin anew in every root, and a dialog is a root.

import { useState } from "preact/hooks";

let count = 0;

/** An id that no other element of the document has, the same as long as its component lives. */
export function useOwnId(): string {
  return useState(() => `own-${++count}`)[0];
}
