// Only the rows that are seen, of a list of any length (@tanstack/virtual-core), as a hook.

import { watch } from "@/shell/watch";
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect, type VirtualItem } from "@tanstack/virtual-core";
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo } from "preact/hooks";

export interface Seen {
  readonly items: readonly VirtualItem[];
  readonly height: number;
}

/** The rows to show of `count`, each `rowHeight` high, within a scroller. */
export function useVirtual(scroller: RefObject<HTMLElement | null>, count: number, rowHeight: number): Seen {
  const version = useSignal(0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 6,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => {
      version.value += 1;
    },
  };
  const virtual = useMemo(() => new Virtualizer<HTMLElement, HTMLElement>(options), []);
  virtual.setOptions(options);
  useEffect(() => virtual._didMount(), []);
  useEffect(() => virtual._willUpdate());
  useEffect(() => virtual.measure(), [rowHeight]);
  watch(version);
  return { items: virtual.getVirtualItems(), height: virtual.getTotalSize() };
}
