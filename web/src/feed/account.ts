// What one has, live: cash, open orders and positions, as the exchange has committed them.
//
// Laws: what was read over REST holds all messages up to its `accountSeq`; later ones stay on top, and
// of an order the higher `seq` wins. A heartbeat that is ahead of what was heard means that something
// was missed: everything is read again. The newest fills are kept, a bounded number.

import { computed, effect, signal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { BalanceView, FillView, OrderView, PositionView } from "@/api/schema";
import { isSignedIn } from "@/session/session";
import { line } from "./line";
import type { OrderMessage } from "./messages";

const FILLS_KEPT = 200;
const PAGE = 200;
const PAGES_MOST = 25;
const RETRY_MS = 2_000;
const OPEN = new Set(["OPEN", "PARTIAL", "PENDING"]);

const ordersById = signal<ReadonlyMap<string, OrderView>>(new Map());
const positionsByKey = signal<ReadonlyMap<string, PositionView>>(new Map());
export const balance = signal<BalanceView | null>(null);
export const fills = signal<readonly FillView[]>([]);
export const openOrders = computed(() => [...ordersById.value.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt)));
export const positions = computed(() => [...positionsByKey.value.values()].filter((one) => Number(one.quantity) !== 0));
/** Whether all that is shown of the account is known to be as the exchange has it. */
export const isAccountLive = signal(false);
/** Told of each fill as it happens. */
export const fillListeners = new Set<(fill: FillView) => void>();

let heardSeq = 0;
/** The number of the last message about cash, and about each position. */
let cashSeq = 0;
const positionSeqs = new Map<string, number>();
let reading: Promise<void> | null = null;
let generation = 0;

function keyOf(position: PositionView): string {
  return `${position.marketId} ${position.outcome}`;
}

function takeOrder(order: OrderView): void {
  const known = ordersById.peek().get(order.id);
  if (known !== undefined && known.seq > order.seq) return;
  const all = new Map(ordersById.peek());
  if (OPEN.has(order.status)) all.set(order.id, order);
  else all.delete(order.id);
  ordersById.value = all;
}

function hear(accountSeq: number): void {
  if (heardSeq !== 0 && accountSeq > heardSeq + 1) readAll();
  heardSeq = Math.max(heardSeq, accountSeq);
}

function takeOrderMessage(message: OrderMessage): void {
  takeOrder(message);
  hear(message.accountSeq);
}

/** Read everything anew; messages that come meanwhile count on top. */
function readAll(): void {
  if (!isSignedIn.peek()) return;
  isAccountLive.value = false;
  const mine = generation;
  reading ??= readNow(mine)
    .catch(() => {
      setTimeout(() => mine === generation && readAll(), RETRY_MS);
    })
    .finally(() => {
      reading = null;
    });
}

async function readNow(mine: number): Promise<void> {
  const [cash, held, done, orders] = await Promise.all([
    rest.call("get", "/user/balance"),
    rest.call("get", "/user/positions", { query: { limit: PAGE } }),
    rest.call("get", "/user/fills", { query: { limit: PAGE } }),
    readOrders(),
  ]);
  if (mine !== generation) return;
  if (cash.meta.accountSeq >= cashSeq) balance.value = cash.data;
  const known = positionsByKey.peek();
  const later = [...positionSeqs].filter(([, seq]) => seq > held.meta.accountSeq).map(([key]) => key);
  const kept = later.flatMap((key) => known.get(key) ?? []).map((one) => [keyOf(one), one] as const);
  positionsByKey.value = new Map([...held.data.map((one) => [keyOf(one), one] as const), ...kept]);
  fills.value = done.data.slice(0, FILLS_KEPT);
  const newer = [...ordersById.peek().values()].filter((one) => (orders.get(one.id)?.seq ?? 0) < one.seq && one.seq > cash.meta.asOfSeq);
  ordersById.value = new Map([...orders, ...newer.map((one) => [one.id, one] as const)]);
  heardSeq = Math.max(heardSeq, cash.meta.accountSeq);
  isAccountLive.value = true;
}

async function readOrders(): Promise<Map<string, OrderView>> {
  const found = new Map<string, OrderView>();
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MOST; page += 1) {
    const answer = await rest.call("get", "/orders", { query: { status: "open", limit: PAGE, cursor } });
    for (const order of answer.data) found.set(order.id, order);
    if (answer.nextCursor === null) break;
    cursor = answer.nextCursor;
  }
  return found;
}

function forget(): void {
  generation += 1;
  heardSeq = 0;
  cashSeq = 0;
  positionSeqs.clear();
  balance.value = null;
  fills.value = [];
  ordersById.value = new Map();
  positionsByKey.value = new Map();
  isAccountLive.value = false;
}

/** Follow the account of whoever is signed in, until the page is gone. */
export function startAccount(): void {
  line.on("order_placed", takeOrderMessage);
  line.on("order_updated", takeOrderMessage);
  line.on("order_cancelled", takeOrderMessage);
  line.on("balance_updated", (message) => {
    hear(message.accountSeq);
    cashSeq = message.accountSeq;
    balance.value = { available: message.available, locked: message.locked, total: message.total };
  });
  line.on("position_updated", (message) => {
    hear(message.accountSeq);
    positionSeqs.set(keyOf(message), message.accountSeq);
    positionsByKey.value = new Map(positionsByKey.peek()).set(keyOf(message), message);
  });
  line.on("order_filled", (message) => {
    if (fills.peek().some((one) => one.id === message.id && one.orderId === message.orderId)) return;
    fills.value = [message, ...fills.peek()].slice(0, FILLS_KEPT);
    for (const listener of fillListeners) listener(message);
  });
  line.on("heartbeat", (message) => {
    if (typeof message.accountSeq === "number" && message.accountSeq > heardSeq) readAll();
  });
  effect(() => {
    if (!isSignedIn.value) forget();
  });
  line.onOpen(readAll);
}

/** Take what an answer to an order of ours says before its messages do. */
export function takeAnswer(answer: { readonly order?: OrderView; readonly balance?: BalanceView }): void {
  if (answer.order !== undefined) takeOrder(answer.order);
}
