// The layout of the trade page that whoever is signed in chose last, kept by the exchange for every browser.
//
// Laws: what is chosen while the kept one is still being read wins; without an answer this browser's stays.
// Preferences are replaced whole, so they are read anew before one of them is changed; one choice is
// written after the other, and none for anybody but whose it is.

import { effect } from "@preact/signals";
import { rest } from "@/api/rest";
import { isSignedIn, user } from "@/session/session";
import { layout, type Layout } from "@/shell/preferences";

async function kept(): Promise<Layout> {
  return (await rest.call("get", "/users/me/preferences")).data.layout ?? "pro";
}

async function keep(id: string, chosen: Layout): Promise<void> {
  if (user.peek()?.id !== id) return;
  const { data } = await rest.call("get", "/users/me/preferences");
  if (user.peek()?.id !== id) return;
  await rest.call("put", "/users/me/preferences", { body: { ...data, layout: chosen } });
}

/** The last writing, which the next one waits for. */
let writing: Promise<unknown> = Promise.resolve();

/** Follow who is signed in and what they choose, until the returned function is called. */
export function followLayout(): () => void {
  let whose: string | null = null;
  /** What the exchange keeps; null until it is known. */
  let known: Layout | null = null;
  const save = (id: string, chosen: Layout) => {
    known = chosen;
    writing = writing.then(() => keep(id, chosen)).catch(() => undefined); // this browser shows it all the same
  };
  const take = async (id: string, before: Layout) => {
    const found = await kept();
    if (whose !== id) return;
    if (layout.peek() !== before) {
      save(id, layout.peek());
      return;
    }
    known = found;
    layout.value = found;
  };
  return effect(() => {
    const chosen = layout.value;
    const id = isSignedIn.value ? (user.value?.id ?? null) : null;
    if (id !== whose) {
      whose = id;
      known = null;
      if (id !== null) void take(id, chosen).catch(() => undefined); // asked again by the next page
    } else if (id !== null && known !== null && chosen !== known) save(id, chosen);
  });
}
