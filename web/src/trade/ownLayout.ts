// The layout of the trade page that whoever is signed in chose last, kept by the exchange for every browser.
//
// Laws: what is chosen while the kept one is still being read wins; without an answer this browser's stays.
// Preferences are replaced whole, so they are read anew before one of them is changed.

import { effect } from "@preact/signals";
import { rest } from "@/api/rest";
import { isSignedIn, user } from "@/session/session";
import { layout, type Layout } from "@/shell/preferences";

async function kept(): Promise<Layout> {
  return (await rest.call("get", "/users/me/preferences")).data.layout ?? "pro";
}

async function keep(chosen: Layout): Promise<void> {
  const { data } = await rest.call("get", "/users/me/preferences");
  await rest.call("put", "/users/me/preferences", { body: { ...data, layout: chosen } });
}

/** Follow who is signed in and what they choose, until the returned function is called. */
export function followLayout(): () => void {
  let whose: string | null = null;
  /** What the exchange keeps; null until it is known. */
  let known: Layout | null = null;
  const save = (chosen: Layout) => {
    known = chosen;
    void keep(chosen).catch(() => undefined); // this browser remembers it all the same
  };
  const take = async (id: string, before: Layout) => {
    const found = await kept();
    if (whose !== id) return;
    if (layout.peek() !== before) {
      save(layout.peek());
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
    } else if (known !== null && chosen !== known) save(chosen);
  });
}
