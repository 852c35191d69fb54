// How sure what is shown is: the line, the sequence, its age, the book's sum, and how quick the exchange
// answers. State is a word beside its colour.

import type { ReadonlySignal } from "@preact/signals";
import { lastAckMs } from "@/feed/desk";
import { line, now } from "@/feed/line";
import type { Trust } from "@/feed/marketFeed";
import { stateOf } from "@/feed/trust";
import { t } from "./texts";

/** `onPast` leads to the book's past and back; null where there is none. */
export function TrustBar({ trust, isPast, onPast }: { trust: ReadonlySignal<Trust>; isPast: boolean; onPast: (() => void) | null }) {
  const known = trust.value;
  const state = stateOf(known);
  const age = known.heardAt === 0 ? null : Math.max(0, now.value - known.heardAt) / 1_000;
  const ms = (value: number | null) => (value === null ? "–" : `${Math.round(value)} ms`);
  return (
    <footer class={`trust ${state}`} data-trust={state}>
      <span class="state" role="status"><i aria-hidden="true" />{t(state)}{known.isVenueSilent && ` · ${t("venueSilent")}`}</span>
      {onPast !== null && <button class="button bare small" data-show-past aria-pressed={isPast} onClick={onPast}>{t("showPast")}</button>}
      <span><b>{t("sequence")}</b> {known.seq}</span>
      <span><b>{t("age")}</b> {age === null ? "–" : `${age.toFixed(1)} s`}</span>
      <span><b>{t("sum")}</b> {known.checksum === null ? "–" : known.checksum.toString(16).padStart(8, "0")} {known.isSumRight === null ? "" : t(known.isSumRight ? "sumRight" : "sumWrong")}</span>
      {known.resyncs > 0 && <span><b>{t("resyncs")}</b> {known.resyncs}×</span>}
      <span class="apart"><b>{t("latency")}</b> {ms(line.roundTripMs.value)}</span>
      <span><b>{t("ack")}</b> {ms(lastAckMs.value)}</span>
    </footer>
  );
}
