// Entries with exits: sending them, and knowing afterwards which orders belong together.
//
// Laws: the entry goes first, and its exits for exactly what it filled and what rests, again under the same id
// while no answer comes. What belongs together is remembered in this browser, a bounded number (a pair has no
// client ids that could tell another one); elsewhere the exits are shown as the pairs that they are.
// While a trade page is open, an entry that ends unfilled takes its waiting exits along, and exits that have
// traded take the rest of their entry along; what couldn't be put right is tried again. Nothing is sent after
// everything was cancelled.

import { computed, effect, signal } from "@preact/signals";
import { newClientId } from "@/api/clientIds";
import { ApiError, asApiError, isUnknown } from "@/api/errors";
import { rest } from "@/api/rest";
import type { OrderBody, OrderView } from "@/api/schema";
import { isAccountLive, openOrders } from "@/feed/account";
import { amendOrder, callOffWatch, cancelTogether, placeOrder, placePair, type Placed } from "@/feed/desk";
import { user } from "@/session/session";
import { isKept, keep, kept } from "@/shell/preferences";
import { watch } from "@/shell/watch";
import { quantityOf, quantityText } from "@/units/money";
import { comingExits, entryOf, heldExits, type Attached } from "./legs";
import type { Draft } from "@/ticket/order";

export interface Leg {
  readonly id: string;
  readonly role: "takeProfit" | "stop";
  /** Whether it is of shares that were still to come when it was sent. */
  readonly isComing: boolean;
}
export interface Bracket {
  /** Whose it is: another person who signs in here has none of it. */
  readonly whose: string;
  readonly entry: string;
  readonly outcome: Draft["outcome"];
  readonly quantity: string;
  /** What the entry had filled when its exits were sent, in units of quantity. */
  readonly filledBefore: number;
  readonly legs: readonly Leg[];
}

const KEY = "brackets";
const KEPT_MOST = 100;
/** Before each further try of exits whose answer is lost. */
const AGAIN_MS = [1_000, 2_000, 4_000, 8_000];
/** Before a bracket that couldn't be put right is looked at again. */
const RETRY_MS = 5_000;

function read(): readonly Bracket[] {
  try {
    const found: unknown = JSON.parse(kept(KEY) ?? "[]");
    return Array.isArray(found) ? (found as Bracket[]).filter((one) => typeof one.entry === "string" && Array.isArray(one.legs)) : [];
  } catch {
    return []; // what somebody else wrote there is as if nothing were
  }
}

export const brackets = signal<readonly Bracket[]>(read());
brackets.subscribe((all) => keep(KEY, all.length === 0 ? null : JSON.stringify(all)));
// What another page of this browser sends or forgets holds here too: else the next writing would undo it.
if (typeof addEventListener === "function") addEventListener("storage", (event) => isKept(event, KEY) && (brackets.value = read()));
/** The bracket of each order that is part of one. */
export const bracketOf = computed(() => new Map(brackets.value.flatMap((one) => [one.entry, ...one.legs.map((leg) => leg.id)].map((id) => [id, one] as const))));

export interface SentWithExits {
  readonly placed: Placed;
  /** Why the exits weren't taken though the entry was; null if they were. */
  readonly failure: unknown;
}

const isOpen = (order: OrderView) => order.status === "OPEN" || order.status === "PARTIAL" || order.status === "PENDING";

/** Send an entry and its exits; throws what refuses the entry. */
export async function sendWithExits(market: string, draft: Draft, attached: Attached, tick: number): Promise<SentWithExits> {
  const sending = callOffWatch(market);
  const whose = user.peek()?.id;
  // Nor is anything sent for who has signed in meanwhile.
  const isCalledOff = () => sending.isCalledOff() || user.peek()?.id !== whose;
  try {
    const placed = await placeOrder(market, entryOf(draft, attached));
    const { order } = placed;
    const filled = quantityOf(order.filled);
    const legs: Leg[] = [];
    let failure: unknown = null;
    try {
      if (filled > 0 && !isCalledOff()) legs.push(...(await place(market, heldExits(attached, draft.outcome, filled), false, isCalledOff)));
      if (isOpen(order) && !isCalledOff()) legs.push(...(await place(market, comingExits(attached, draft.outcome, quantityOf(order.remaining), tick), true, isCalledOff)));
    } catch (thrown) {
      failure = thrown;
    }
    if (legs.length > 0) {
      const made: Bracket = { whose: whose ?? "", entry: order.id, outcome: draft.outcome, quantity: order.quantity ?? order.filled, filledBefore: filled, legs };
      brackets.value = [...brackets.peek(), made].slice(-KEPT_MOST);
    }
    return { placed, failure };
  } finally {
    sending.end();
  }
}

interface Exits {
  readonly takeProfit: OrderBody | null;
  readonly stop: OrderBody | null;
}

/** Send, and again while it isn't known what became of it: the same goes out under the same id, and is placed once. */
async function surely<T>(send: () => Promise<T>, isCalledOff: () => boolean): Promise<T> {
  for (const pauseMs of AGAIN_MS) {
    try {
      return await send();
    } catch (thrown) {
      if (!isUnknown(asApiError(thrown)) || isCalledOff()) throw thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (isCalledOff()) throw new ApiError("UNKNOWN_OUTCOME", "Everything was cancelled before the exits were answered");
  }
  return send();
}

async function place(market: string, { takeProfit, stop }: Exits, isComing: boolean, isCalledOff: () => boolean): Promise<Leg[]> {
  if (takeProfit !== null && stop !== null) {
    const orders = await surely(() => placePair(market, [takeProfit, stop]), isCalledOff);
    return orders.map((order, index) => ({ id: order.id, role: index === 0 ? "takeProfit" : "stop", isComing }));
  }
  const alone = takeProfit ?? stop;
  if (alone === null) return [];
  // Under one id whatever is heard of it meanwhile.
  const named = { ...alone, clientOrderId: newClientId() };
  const { order } = await surely(() => placeOrder(market, named), isCalledOff);
  return [{ id: order.id, role: takeProfit === null ? "stop" : "takeProfit", isComing }];
}

function forget(bracket: Bracket): void {
  brackets.value = brackets.peek().filter((one) => one.entry !== bracket.entry);
}

const view = async (id: string) => (await rest.call("get", "/orders/{id}", { path: { id } })).data;

/** Put right what ended of a bracket: the rest of an entry whose exit has traded, and exits of what will never come. */
async function settle(bracket: Bracket, open: ReadonlyMap<string, OrderView>): Promise<void> {
  const legs = bracket.legs.filter((leg) => open.has(leg.id));
  const entry = open.get(bracket.entry);
  if (legs.length === 0) {
    if (entry !== undefined) {
      const ended = await Promise.all(bracket.legs.map((leg) => view(leg.id)));
      if (ended.some((one) => quantityOf(one.filled) > 0)) await cancelTogether([entry]);
    }
    forget(bracket);
    return;
  }
  const coming = legs.filter((leg) => leg.isComing);
  if (entry !== undefined || coming.length === 0) return;
  const came = quantityOf((await view(bracket.entry)).filled) - bracket.filledBefore;
  const still = coming.map((leg) => open.get(leg.id)).filter((one) => one !== undefined);
  if (came <= 0) await cancelTogether(still);
  else await Promise.all(still.filter((one) => quantityOf(one.remaining) > came).map((one) => amendOrder(one.id, { quantity: quantityText(came), expectedVersion: one.version })));
}

/** Keep brackets as they should be, until the returned function is called. */
export function followBrackets(): () => void {
  const busy = new Set<string>();
  /** What of each bracket was open when it was looked at last. */
  const seen = new Map<string, string>();
  const again = signal(0);
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const stop = effect(() => {
    watch(again);
    if (!isAccountLive.value) return;
    const open = new Map(openOrders.value.map((order) => [order.id, order]));
    const id = user.value?.id;
    for (const bracket of brackets.value.filter((one) => one.whose === id)) {
      const state = [bracket.entry, ...bracket.legs.map((leg) => leg.id)].filter((id) => open.has(id)).join();
      if (busy.has(bracket.entry) || seen.get(bracket.entry) === state) continue;
      busy.add(bracket.entry);
      seen.set(bracket.entry, state);
      settle(bracket, open).then(() => busy.delete(bracket.entry), () => {
        busy.delete(bracket.entry);
        seen.delete(bracket.entry);
        // Looked at again with the next change, or by itself.
        const timer = setTimeout(() => {
          timers.delete(timer);
          again.value += 1;
        }, RETRY_MS);
        timers.add(timer);
      });
    }
  });
  return () => {
    stop();
    for (const timer of timers) clearTimeout(timer);
  };
}
