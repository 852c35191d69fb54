// What stands before each of one's own orders in this market, asked for every few seconds, of the
// newest orders alone: one reading at a time, and at once when the orders are others.

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { OrderView } from "@/api/schema";
import { formatQuantity, quantityOf } from "@/units/money";

const EVERY_MS = 3_000;
const ASKED_FOR = 8;

/** The texts by order id, and how to stop. */
export function followQueue(orders: ReadonlySignal<readonly OrderView[]>): { queue: ReadonlySignal<ReadonlyMap<string, string>>; stop: () => void } {
  const queue = signal<ReadonlyMap<string, string>>(new Map());
  let timer: ReturnType<typeof setInterval> | undefined;
  let isOver = false;
  let isReading = false;
  let isAskedAgain = false;
  const readNow = async () => {
    const asked = orders.peek().filter((order) => order.price !== null && order.status !== "PENDING").slice(0, ASKED_FOR);
    const found = new Map<string, string>();
    for (const { id } of asked) {
      try {
        const { data } = await rest.call("get", "/orders/{id}", { path: { id } });
        if (data.queuePosition !== undefined) found.set(id, `+${formatQuantity(quantityOf(data.queuePosition.quantity))}`);
      } catch {
        // It has ended meanwhile.
      }
    }
    if (!isOver && orders.peek().length > 0) queue.value = found;
  };
  const read = async () => {
    isAskedAgain = isReading;
    if (isReading) return;
    isReading = true;
    await readNow();
    isReading = false;
    if (isAskedAgain && !isOver) void read();
  };
  const ids = computed(() => orders.value.map((order) => order.id).join());
  const stopWatching = effect(() => {
    clearInterval(timer);
    if (ids.value === "") {
      queue.value = new Map();
      return;
    }
    void read();
    timer = setInterval(() => document.visibilityState === "visible" && !isReading && void read(), EVERY_MS);
  });
  return {
    queue,
    stop: () => {
      isOver = true;
      stopWatching();
      clearInterval(timer);
    },
  };
}
