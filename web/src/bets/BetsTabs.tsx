// The parts of betting, each at an address of its own.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { rest } from "@/api/rest";
import { Tabs } from "@/parts/Tabs";
import { isSignedIn } from "@/session/session";
import { t } from "./texts";

/** Whether credits are sold here; null until it is known. */
const areSold = signal<boolean | null>(null);

async function askWhetherSold(): Promise<void> {
  const { data } = await rest.call("get", "/purchases/packages", { query: { limit: 1 }, anonymous: true });
  areSold.value = data.length > 0;
}

export function BetsTabs() {
  useEffect(() => {
    if (areSold.peek() === null) askWhetherSold().catch(() => undefined); // the next page asks again
  }, []);
  const own = isSignedIn.value
    ? [
        { href: "/bets/mine", text: t("mine") },
        { href: "/rewards", text: t("rewards") },
        { href: "/rewards/invite", text: t("invite") },
        ...(areSold.value === true ? [{ href: "/rewards/credits", text: t("credits") }] : []),
      ]
    : [];
  return <Tabs label={t("bets")} parts={[{ href: "/bets", text: t("questions") }, ...own]} />;
}
