// How a mirror stands, in a word; and how much of what may be at stake is.

import type { MirrorView } from "@/api/schema";
import { Cash } from "@/portfolio/figures";
import { cashOf, cashText, formatCash } from "@/units/money";
import { t } from "./texts";

export const STATUSES = ["OPEN", "DISPUTED", "ENDED", "RESOLVED", "REFUSED", "MAKING"] as const;
export type Status = (typeof STATUSES)[number];

/** What an admin has to know first: a dispute before all else. */
export function statusOf(mirror: MirrorView): Status {
  if (mirror.disputed !== null) return "DISPUTED";
  return STATUSES.find((one) => one === mirror.status) ?? "MAKING";
}

/** Why nothing is quoted, or that it is; null once it has ended. */
export function quotingOf(mirror: MirrorView): string | null {
  if (mirror.status !== "OPEN") return null;
  return mirror.idle === null ? t("isQuoting") : t(`IDLE_${mirror.idle}`);
}

export function StatusBadge({ mirror }: { mirror: MirrorView }) {
  const status = statusOf(mirror);
  const isIdle = status === "OPEN" && mirror.idle !== null;
  return <span class={status === "DISPUTED" || isIdle ? "badge warn" : "badge"}>{t(isIdle ? "isIdle" : status)}</span>;
}

/** Hundredths of the most that may be at stake. */
export function usedOf(stake: string, most: string): number {
  const whole = cashOf(most);
  return whole <= 0n ? 0 : Math.min(100, Number((cashOf(stake) * 100n) / whole));
}

export function Stake({ stake, most }: { stake: string; most: string }) {
  const used = usedOf(stake, most);
  return (
    <span class="stake">
      <span><Cash of={stake} /> <small class="quiet">{t("ofMost", { most: formatCash(cashOf(most)) })}</small></span>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="4" /><rect class={used >= 90 ? "much" : ""} width={used} height="4" /></svg>
    </span>
  );
}

/** What was and would be made, together. */
export function profitOf(of: { readonly realisedProfit: string; readonly unrealisedProfit: string }): string {
  return cashText(cashOf(of.realisedProfit) + cashOf(of.unrealisedProfit));
}
