// The stars: one's watchlist at the exchange, or in this browser for whoever isn't signed in.
//
// Law: what is kept in this browser and can't be read, or can't be kept, is as if nothing were.

import { effect, signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { notifyError } from "@/shell/notices";
import { isSignedIn } from "@/session/session";
import { keep, kept } from "@/shell/preferences";

const NAME = "Watchlist";
const KEY = "stars";
const MOST = 200;

/** Item ids by market id; a star of this browser alone has "". */
export const stars = signal<ReadonlyMap<string, string>>(new Map());
let listId: string | null = null;

function keptHere(): Map<string, string> {
  try {
    const found: unknown = JSON.parse(kept(KEY) ?? "[]");
    return new Map(Array.isArray(found) ? found.filter((id) => typeof id === "string").slice(0, MOST).map((id) => [id, ""]) : []);
  } catch {
    return new Map(); // what somebody else wrote there
  }
}

async function read(): Promise<void> {
  const lists = await rest.call("get", "/watchlists", { query: { limit: 20 } });
  const list = lists.data.find((one) => one.name === NAME) ?? lists.data[0];
  listId = list?.id ?? null;
  if (listId === null) {
    stars.value = new Map();
    return;
  }
  const whole = await rest.call("get", "/watchlists/{id}", { path: { id: listId } });
  stars.value = new Map(whole.data.items.map((item) => [nameOf(item.platform, item.marketId), item.id]));
}

function nameOf(platform: string, marketId: string): string {
  return platform === "exchange" || marketId.includes(":") ? marketId : `${platform}:${marketId}`;
}

/** Put a star on a market or take it away. */
export async function toggleStar(marketId: string): Promise<void> {
  const before = stars.peek();
  const itemId = before.get(marketId);
  const next = new Map(before);
  if (itemId === undefined) next.set(marketId, "");
  else next.delete(marketId);
  stars.value = next;
  if (!isSignedIn.peek()) {
    keep(KEY, JSON.stringify([...next.keys()].slice(0, MOST)));
    return;
  }
  try {
    listId ??= (await rest.call("post", "/watchlists", { body: { name: NAME } })).data.id;
    if (itemId === undefined) {
      const added = await rest.call("post", "/watchlists/{id}/items", { path: { id: listId }, body: { marketId } });
      stars.value = new Map(stars.peek()).set(marketId, added.data.id);
    } else await rest.call("delete", "/watchlists/{id}/items/{itemId}", { path: { id: listId, itemId } });
  } catch (error) {
    stars.value = before;
    notifyError(error);
  }
}

/** Keep the stars those of whoever is signed in; returns how to stop. */
export function followStars(): () => void {
  return effect(() => {
    listId = null;
    if (isSignedIn.value) read().catch(() => undefined);
    else stars.value = keptHere();
  });
}
