// What the order comes to, in words, before it is sent.

import { formatCash, formatGain, formatQuantity, parsePrice } from "@/units/money";
import { shownPrice, shownText } from "@/units/prices";
import type { Draft } from "./order";
import { waits } from "./order";
import { t } from "./texts";
import type { Foreseen } from "./useForecast";

export function Words({ foreseen, draft, tick }: { foreseen: Foreseen; draft: Draft; tick: number }) {
  if (foreseen.state === "none") return null;
  if (foreseen.state === "asking") return <p class="words quiet">{t("looking")}</p>;
  if (foreseen.state === "refused") {
    const { error } = foreseen;
    const more = error.details.map((detail) => detail.message).filter((text) => text !== error.message);
    return (
      <div class="words refused" role="status">
        <strong>{t(foreseen.isAttached ? "refusedAttached" : "refused")}</strong>
        <p>{[error.message, ...more].join(" ")}</p>
      </div>
    );
  }
  const { forecast } = foreseen;
  const isBuy = draft.side === "BUY";
  const price = parsePrice(draft.price);
  return (
    <div role="status"><dl class="words facts">
      <dt>{t("now")}</dt>
      <dd>{forecast.fills === 0 ? t("nothingNow") : t("atAverage", { quantity: formatQuantity(forecast.fills), price: shownPrice(forecast.averagePrice ?? 0, tick) })}</dd>
      {forecast.rests > 0 && (
        <>
          <dt>{waits(draft.type) ? t("waits", { price: shownText(draft.triggerPrice, tick) }) : t("rests")}</dt>
          <dd>{price === null || draft.type === "MARKET" ? formatQuantity(forecast.rests) : t("restsAt", { quantity: formatQuantity(forecast.rests), price: shownPrice(price, tick) })}</dd>
        </>
      )}
      {forecast.cancelReason !== null && (
        <>
          <dt class="warned">{t("ends", { reason: forecast.cancelReason })}</dt>
          <dd />
        </>
      )}
      <dt>{t(isBuy ? "pays" : "receives")}</dt>
      <dd><strong>{formatCash(isBuy ? forecast.pays : forecast.receives, true)}</strong></dd>
      <dt class="sub">{t("fee")}</dt>
      <dd>{formatCash(forecast.fees, true)}</dd>
      {isBuy && (
        <>
          <dt>{t("wins", { outcome: draft.outcome })}</dt>
          <dd>{formatCash(forecast.wins)}</dd>
          <dt class="sub">{t("gain")}</dt>
          <dd class={forecast.gain >= 0n ? "up" : "down"}>{formatGain(forecast.gain)}</dd>
          <dt>{t("loses")}</dt>
          <dd class="down">{formatCash(forecast.loss)}</dd>
        </>
      )}
      {forecast.locked > 0n && (
        <>
          <dt>{t("locks")}</dt>
          <dd>{formatCash(forecast.locked, true)}</dd>
        </>
      )}
      <dt>{t("after")}</dt>
      <dd>{formatCash(forecast.availableAfter)}</dd>
    </dl></div>
  );
}
