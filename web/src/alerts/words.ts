// What an alert waits for, and what it told, in words. Small: it is part of every page.

import type { AlertView, FiringView } from "@/api/schema";
import { catalogue } from "@/shell/language";
import { shownText } from "@/units/prices";

const t = catalogue(
  {
    PRICE_ABOVE: "{outcome} at {price} or above", PRICE_BELOW: "{outcome} at {price} or below", VOLUME_ABOVE: "{volume} paid within 24 h",
    FILL: "A fill of your orders", FILL_order: "A fill of order {order}", CLOSE: "Closes within {minutes} min", RESOLUTION: "It is resolved",
    told_price: "{outcome} is at {price}", told_volume: "{volume} {currency} paid within 24 h", told_fill: "{side} {outcome}: {quantity} filled at {price}", BUY: "BUY", SELL: "SELL", told_close: "Closes soon", told_resolution: "Resolved: {resolution}",
    told_test: "A test was sent to your webhook", told_disabled: "A webhook was disabled: too much sent to it failed",
    more: "{count} more alerts fired while there was no connection: they are in the history",
  },
  {
    PRICE_ABOVE: "{outcome} bei {price} oder darüber", PRICE_BELOW: "{outcome} bei {price} oder darunter", VOLUME_ABOVE: "{volume} bezahlt in 24 h",
    FILL: "Eine Ausführung Ihrer Orders", FILL_order: "Eine Ausführung der Order {order}", CLOSE: "Schließt in {minutes} min", RESOLUTION: "Die Antwort steht fest",
    told_price: "{outcome} ist bei {price}", told_volume: "{volume} {currency} bezahlt in 24 h", told_fill: "{side} {outcome}: {quantity} ausgeführt zu {price}", BUY: "Kauf", SELL: "Verkauf", told_close: "Schließt bald", told_resolution: "Antwort: {resolution}",
    told_test: "Ein Test ging an Ihren Webhook", told_disabled: "Ein Webhook wurde abgeschaltet: zu vieles kam nicht an",
    more: "{count} weitere Alarme kamen, während es keine Verbindung gab: Sie stehen im Verlauf",
  },
);

/** What an alert waits for. */
export function waitsFor(alert: AlertView): string {
  switch (alert.kind) {
    case "PRICE_ABOVE":
    case "PRICE_BELOW":
      return t(alert.kind, { outcome: alert.outcome ?? "", price: shownText(alert.price ?? "") });
    case "VOLUME_ABOVE":
      return t("VOLUME_ABOVE", { volume: alert.volume ?? "" });
    case "CLOSE":
      return t("CLOSE", { minutes: alert.minutes ?? 0 });
    case "FILL":
      return alert.orderId === null ? t("FILL") : t("FILL_order", { order: alert.orderId });
    case "RESOLUTION":
    case "TEST":
    case "WEBHOOK_DISABLED":
      return t("RESOLUTION");
  }
}

/** What was told, in one line. */
export function titleOf(firing: FiringView): string {
  const saw = firing.saw;
  switch (firing.kind) {
    case "PRICE_ABOVE":
    case "PRICE_BELOW":
      return t("told_price", { outcome: saw.outcome ?? "", price: shownText(saw.price ?? "") });
    case "VOLUME_ABOVE":
      return t("told_volume", { volume: saw.volume ?? "", currency: saw.currency ?? "" });
    case "FILL":
      return t("told_fill", { side: saw.side === "BUY" || saw.side === "SELL" ? t(saw.side) : "", outcome: saw.outcome ?? "", quantity: saw.quantity ?? "", price: shownText(saw.price ?? "") });
    case "CLOSE":
      return t("told_close");
    case "RESOLUTION":
      return t("told_resolution", { resolution: saw.resolution ?? "" });
    case "TEST":
      return t("told_test");
    case "WEBHOOK_DISABLED":
      return t("told_disabled");
  }
}

/** That there was more than is told one by one. */
export function moreMissed(count: number): string {
  return t("more", { count });
}

/** What it was about: the question, and the word that its owner gave it. */
export function textOf(firing: FiringView): string {
  return [firing.saw.question ?? "", firing.note].filter((text) => text !== "").join(" · ");
}
