// What one has, live: cash, open orders and positions, as the exchange has committed them.
//
// Laws: what was read over REST holds all messages up to its `accountSeq`; later ones stay on top, and
// of an order the higher `seq` wins, an ended one's too. A heartbeat that is ahead of what was heard
// means that something was missed: everything is read again, until what was read holds it. The newest
// fills are kept, a bounded number. Whoever else signs in begins with nothing, and nothing that was
// asked for somebody else is taken.

import { computed, effect, signal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { BalanceView, FillView, OrderView, PositionView } from "@/api/schema";
import { isSignedIn, user } from "@/session/session";
import { line } from "./line";
import type { OrderMessage } from "./messages";

const FILLS_KEPT = 200;
const PAGE = 200;
const PAGES_MOST = 25;
const RETRY_MS = 2_000;
/** Before the next reading, where one was behind what was heard meanwhile. */
const AGAIN_MS = 500;
/** As many ended orders are known as one reading can bring back. */
const ENDED_KEPT = PAGE * PAGES_MOST;
const OPEN = new Set(["OPEN", "PARTIAL", "PENDING"]);

const ordersById = signal<ReadonlyMap<string, OrderView>>(new Map());
const isRead = signal(false);
const positionsByKey = signal<ReadonlyMap<string, PositionView>>(new Map());
export const balance = signal<BalanceView | null>(null);
export const fills = signal<readonly FillView[]>([]);
export const openOrders = computed(() => [...ordersById.value.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt)));
export const positions = computed(() => [...positionsByKey.value.values()].filter((one) => Number(one.quantity) !== 0));
/** Whether all that is shown of the account is known to be as the exchange has it. */
export const isAccountLive = computed(() => isRead.value && line.state.value === "live");
/** Told of each fill as it happens. */
export const fillListeners = new Set<(fill: FillView) => void>();

let heardSeq = 0;
/** The number of the last message about cash, and about each position. */
let cashSeq = 0;
const positionSeqs = new Map<string, number>();
/** The `seq` with which orders ended: an older list has them open. */
const endedSeqs = new Map<string, number>();
/** Up to which message a reading must be. */
let wantedSeq = 0;
let isReading = false;
/** Moves when somebody else signs in. */
let generation = 0;

function keyOf(position: PositionView): string {
  return `${position.marketId} ${position.outcome}`;
}

function takeOrder(order: OrderView): void {
  const known = Math.max(ordersById.peek().get(order.id)?.seq ?? 0, endedSeqs.get(order.id) ?? 0);
  if (known > order.seq) return;
  const all = new Map(ordersById.peek());
  if (OPEN.has(order.status)) all.set(order.id, order);
  else {
    all.delete(order.id);
    endedSeqs.set(order.id, order.seq);
    for (const oldest of endedSeqs.keys()) {
      if (endedSeqs.size <= ENDED_KEPT) break;
      endedSeqs.delete(oldest);
    }
  }
  ordersById.value = all;
}

function hear(accountSeq: number): void {
  if (heardSeq !== 0 && accountSeq > heardSeq + 1) readUpTo(accountSeq);
  heardSeq = Math.max(heardSeq, accountSeq);
}

function takeOrderMessage(message: OrderMessage): void {
  takeOrder(message);
  hear(message.accountSeq);
}

/** Read again, unless what is being read holds all messages up to a number. */
function readUpTo(accountSeq: number): void {
  wantedSeq = Math.max(wantedSeq, accountSeq);
  readAll();
}

/** Read everything anew; messages that come meanwhile count on top. */
function readAll(): void {
  if (!isSignedIn.peek()) return;
  isRead.value = false;
  if (isReading) return;
  isReading = true;
  const mine = generation;
  const again = (pauseMs: number) => setTimeout(() => mine === generation && readAll(), pauseMs);
  readNow(mine).then(
    (upTo) => {
      if (mine !== generation) return;
      isReading = false;
      if (upTo < wantedSeq) again(AGAIN_MS);
      else isRead.value = true;
    },
    () => {
      if (mine !== generation) return;
      isReading = false;
      again(RETRY_MS);
    },
  );
}

/** Read; returns up to which message everything read is. */
async function readNow(mine: number): Promise<number> {
  const [cash, held, done, orders] = await Promise.all([
    rest.call("get", "/user/balance"),
    readPositions(),
    rest.call("get", "/user/fills", { query: { limit: PAGE } }),
    readOrders(),
  ]);
  const upTo = Math.min(cash.meta.accountSeq, held.accountSeq, orders.accountSeq);
  if (mine !== generation) return upTo;
  if (cash.meta.accountSeq >= cashSeq) balance.value = cash.data;
  const known = positionsByKey.peek();
  const later = [...positionSeqs].filter(([, seq]) => seq > held.accountSeq).map(([key]) => key);
  const kept = later.flatMap((key) => known.get(key) ?? []).map((one) => [keyOf(one), one] as const);
  positionsByKey.value = new Map([...held.found.map((one) => [keyOf(one), one] as const), ...kept]);
  fills.value = mergedFills(fills.peek(), done.data);
  for (const [id, order] of orders.found) if ((endedSeqs.get(id) ?? 0) >= order.seq) orders.found.delete(id);
  const newer = [...ordersById.peek().values()].filter((one) => one.seq > (orders.found.get(one.id)?.seq ?? orders.asOfSeq));
  ordersById.value = new Map([...orders.found, ...newer.map((one) => [one.id, one] as const)]);
  heardSeq = Math.max(heardSeq, upTo);
  return upTo;
}

/** Fills of both, each once, the newest first. */
export function mergedFills(heard: readonly FillView[], read: readonly FillView[]): FillView[] {
  const known = new Set(heard.map((one) => `${one.id} ${one.orderId}`));
  const all = [...heard, ...read.filter((one) => !known.has(`${one.id} ${one.orderId}`))];
  return all.sort((a, b) => b.seq - a.seq || b.tradeNo - a.tradeNo).slice(0, FILLS_KEPT);
}

/** All positions; the number is that of the page that is the oldest. */
async function readPositions(): Promise<{ found: PositionView[]; accountSeq: number }> {
  const found: PositionView[] = [];
  let accountSeq = Infinity;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MOST; page += 1) {
    const answer = await rest.call("get", "/user/positions", { query: { limit: PAGE, cursor } });
    found.push(...answer.data);
    accountSeq = Math.min(accountSeq, answer.meta.accountSeq);
    if (answer.nextCursor === null) break;
    cursor = answer.nextCursor;
  }
  return { found, accountSeq };
}

/** All open orders; the numbers are those of the page that is the oldest. */
async function readOrders(): Promise<{ found: Map<string, OrderView>; asOfSeq: number; accountSeq: number }> {
  const found = new Map<string, OrderView>();
  let [asOfSeq, accountSeq] = [Infinity, Infinity];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MOST; page += 1) {
    const answer = await rest.call("get", "/orders", { query: { status: "open", limit: PAGE, cursor } });
    for (const order of answer.data) found.set(order.id, order);
    asOfSeq = Math.min(asOfSeq, answer.meta.asOfSeq);
    accountSeq = Math.min(accountSeq, answer.meta.accountSeq);
    if (answer.nextCursor === null) break;
    cursor = answer.nextCursor;
  }
  return { found, asOfSeq, accountSeq };
}

function forget(): void {
  generation += 1;
  isReading = false;
  heardSeq = 0;
  wantedSeq = 0;
  cashSeq = 0;
  positionSeqs.clear();
  endedSeqs.clear();
  balance.value = null;
  fills.value = [];
  ordersById.value = new Map();
  positionsByKey.value = new Map();
  isRead.value = false;
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
    fills.value = mergedFills([message], fills.peek());
    for (const listener of fillListeners) listener(message);
  });
  line.on("heartbeat", (message) => {
    if (typeof message.accountSeq === "number" && message.accountSeq > heardSeq) readUpTo(message.accountSeq);
  });
  let whose: string | null = null;
  effect(() => {
    const id = isSignedIn.value ? (user.value?.id ?? null) : null;
    if (id !== whose) forget();
    whose = id;
  });
  line.onOpen(() => {
    // A new line says everything from here on; what the old one left out is read.
    heardSeq = 0;
    wantedSeq = 0;
    readAll();
  });
}

/** Whether an open order is known by its client id. */
export function hasHeardOf(clientOrderId: string): boolean {
  return openOrders.peek().some((one) => one.clientOrderId === clientOrderId);
}

/** Return what takes the answer to an order that is sent now, before its messages come. */
export function answerTaker(): (answer: { readonly order?: OrderView }) => void {
  const mine = generation;
  return (answer) => {
    if (mine === generation && answer.order !== undefined) takeOrder(answer.order);
  };
}
