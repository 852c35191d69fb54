// How prices and times are shown, whether the ticket asks first, and whether there are sounds.
//
// Law: what is chosen holds at once, here and, kept by the exchange, in every browser.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Panel } from "@/parts/DataTable";
import { Check, Choice } from "@/parts/Form";
import { LOCAL_ZONE, PRICE_FORMATS, confirmOrders, priceFormat, sounds, timeZone } from "@/shell/preferences";
import { play } from "@/shell/sounds";
import { priceIn } from "@/units/prices";
import { exact, isZone } from "@/units/time";
import { t } from "./accountTexts";

const SAMPLE = 5_500;
const EVERY_MS = 1_000;

/** The zones to choose from: the device's own, UTC, and all that this browser knows. */
function zones(chosen: string): (readonly [string, string])[] {
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const names = new Set(["UTC", ...Intl.supportedValuesOf("timeZone")]);
  if (chosen !== LOCAL_ZONE) names.add(chosen);
  return [[LOCAL_ZONE, t("zoneLocal", { zone: own })], ...[...names].map((name) => [name, isZone(name) ? name : t("zoneUnknown", { zone: name })] as const)];
}

export function TradingPart() {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const hint = useComputed(() => exact(now.value).replace(/\.\d+/, ""));
  return (
    <Panel title={t("trading")}>
      <div class="stack" data-trading>
        <Choice label={t("priceFormat")} name="priceFormat" value={priceFormat} choices={PRICE_FORMATS.map((form) => [form, t(form, { sample: priceIn(form, SAMPLE) })] as const)} />
        <Choice label={t("timeZone")} name="timeZone" value={timeZone} choices={zones(timeZone.value)} hint={hint.value} />
        <Check label={t("confirmOrders")} value={confirmOrders} />
        <div class="row">
          <Check label={t("sounds")} value={sounds} />
          {sounds.value && <button type="button" class="button small" onClick={() => play("fill")}>{t("tryIt")}</button>}
        </div>
      </div>
    </Panel>
  );
}
