// What stands before each of one's own orders in this market, asked for every few seconds, of the
// newest orders alone.

import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { OrderView } from "@/api/schema";
import { formatQuantity, quantityOf } from "@/units/money";

const EVERY_MS = 3_000;
const ASKED_FOR = 8;

/** The texts by order id, and how to stop. */
export function followQueue(orders: ReadonlySignal<readonly OrderView[]>): { queue: ReadonlySignal<ReadonlyMap<string, string>>; stop: () => void } {
  const queue = signal<ReadonlyMap<string, string>>(new Map());
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const read = async () => {
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
    if (!isOver) queue.value = found;
  };
  const stopWatching = effect(() => {
    const ids = orders.value.map((order) => order.id).join();
    clearInterval(timer);
    if (ids === "") {
      queue.value = new Map();
      return;
    }
    void read();
    timer = setInterval(() => document.visibilityState === "visible" && void read(), EVERY_MS);
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
