// The little pasts beside the prices: read once for each market that is seen, a few at a time, and no
// more in a minute than leaves room for everything else.

import { signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { isSignedIn } from "@/session/session";
import { priceOf } from "@/units/money";

const AT_ONCE = 3;
const KEPT = 500;
const MINUTE_MS = 60_000;
const POINTS = 48;

const pasts = new Map<string, readonly number[]>();
const waiting: string[] = [];
let running = 0;
let begun: number[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;
/** Moves when a past has come. */
export const sparkVersion = signal(0);

/** The prices of a market's past in time order, null as long as they aren't here. */
export function sparkOf(id: string): readonly number[] | null {
  return pasts.get(id) ?? null;
}

/** Ask for the pasts of what is seen. */
export function wantSparks(ids: readonly string[]): void {
  waiting.length = 0;
  waiting.push(...ids.filter((id) => !pasts.has(id)));
  work();
}

function work(): void {
  const now = Date.now();
  begun = begun.filter((at) => at > now - MINUTE_MS);
  const most = isSignedIn.peek() ? 200 : 40;
  while (running < AT_ONCE && begun.length < most) {
    const id = waiting.shift();
    if (id === undefined) return;
    running += 1;
    begun.push(now);
    void read(id).finally(() => {
      running -= 1;
      work();
    });
  }
  const oldest = begun[0];
  if (waiting.length === 0 || begun.length < most || oldest === undefined || timer !== null) return;
  // Whoever looks on without scrolling sees the others when there is room for them.
  timer = setTimeout(() => {
    timer = null;
    work();
  }, oldest + MINUTE_MS + 1 - now);
}

async function read(id: string): Promise<void> {
  pasts.set(id, []);
  try {
    const { data } = await rest.call("get", "/markets/{slug}/history", { path: { slug: id }, query: { interval: "1h" } });
    const prices = data.slice(-POINTS).map((point) => priceOf(point.price)).filter((price) => price !== null);
    pasts.set(id, prices);
    for (const old of [...pasts.keys()].slice(0, Math.max(0, pasts.size - KEPT))) pasts.delete(old);
    sparkVersion.value += 1;
  } catch {
    pasts.delete(id);
  }
}
