// Saying what one wants to be told of; of one market, where it is made from that market's page.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { NewAlertBody } from "@/api/schema";
import { Choice, Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { notify } from "@/shell/notices";
import { priceFormat } from "@/shell/preferences";
import { useTypedPrice } from "@/parts/typedPrice";
import { plainNumber } from "@/units/money";
import { signOf, toTyped } from "@/units/prices";
import { t } from "./texts";

const KINDS = ["PRICE_ABOVE", "PRICE_BELOW", "VOLUME_ABOVE", "CLOSE", "RESOLUTION", "FILL"] as const;
type Kind = (typeof KINDS)[number];
const PAUSES = [["", "once"], ["60", "min1"], ["900", "min15"], ["3600", "hour1"], ["86400", "day1"]] as const;
const FIELDS = ["marketId", "price", "volume", "minutes", "orderId", "note"];

interface Written {
  readonly kind: Kind;
  readonly market: string;
  readonly outcome: "YES" | "NO";
  readonly price: string;
  readonly volume: string;
  readonly minutes: string;
  readonly order: string;
  readonly note: string;
  readonly pause: string;
  readonly webhook: string;
}

/** What is sent of what was written: only what goes with the kind. */
export function bodyOf(written: Written): NewAlertBody {
  const { kind } = written;
  const isPrice = kind === "PRICE_ABOVE" || kind === "PRICE_BELOW";
  return {
    kind,
    note: written.note.trim(),
    ...(written.market.trim() === "" ? {} : { marketId: written.market.trim() }),
    ...(isPrice ? { outcome: written.outcome, price: plainNumber(written.price) } : {}),
    ...(kind === "VOLUME_ABOVE" ? { volume: plainNumber(written.volume) } : {}),
    ...(kind === "CLOSE" ? { minutes: Number(written.minutes) } : {}),
    ...(kind === "FILL" && written.order.trim() !== "" ? { orderId: written.order.trim() } : {}),
    ...(written.pause !== "" && kind !== "RESOLUTION" ? { pauseSeconds: Number(written.pause) } : {}),
    ...(written.webhook === "" ? {} : { webhookId: written.webhook }),
  };
}

interface Props {
  /** The market it is about, where that is known; else it is asked for. */
  readonly marketId?: string;
  readonly price?: string;
  readonly onDone: () => void;
}

export function NewAlert({ marketId, price: at, onDone }: Props) {
  const kind = useSignal<Kind>("PRICE_ABOVE");
  const market = useSignal(marketId ?? "");
  const outcome = useSignal<"YES" | "NO">("YES");
  const price = useTypedPrice(at ?? "");
  const volume = useSignal("");
  const minutes = useSignal("60");
  const order = useSignal("");
  const note = useSignal("");
  const pause = useSignal("");
  const webhook = useSignal("");
  const hooks = useLoaded((signal) => rest.call("get", "/alerts/webhooks", { query: { limit: 50 }, signal }), []);
  // Nothing is sent to one that is disabled.
  const sentTo = (hooks.data?.data ?? []).filter((one) => one.active);
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    const written = { kind: kind.value, market: market.value, outcome: outcome.value, price: price.plain(), volume: volume.value, minutes: minutes.value, order: order.value, note: note.value, pause: pause.value, webhook: webhook.value };
    await rest.call("post", "/alerts", { body: bodyOf(written) });
    notify("good", t("made"));
    onDone();
  };
  const isPrice = kind.value === "PRICE_ABOVE" || kind.value === "PRICE_BELOW";
  // Fills are of orders here: there are none in another venue's market.
  const kinds = KINDS.filter((name) => name !== "FILL" || marketId?.includes(":") !== true);
  return (
    <form class="stack narrow" onSubmit={on(send)}>
      <Choice label={t("what")} name="kind" value={kind} choices={kinds.map((name) => [name, t(name)] as const)} />
      {marketId === undefined && <TextField label={t("market")} name="marketId" value={market} problem={problem.value} isRequired={kind.value !== "FILL"} hint={t("marketHint")} autocomplete="off" />}
      {isPrice && (
        <div class="row">
          <Choice label={t("outcome")} name="outcome" value={outcome} choices={[["YES", "YES"], ["NO", "NO"]]} />
          <TextField label={`${t("price")} ${signOf(priceFormat.value)}`.trim()} name="price" value={price.text} problem={problem.value} isRequired inputMode="decimal" placeholder={toTyped(priceFormat.value, "0.60")} autocomplete="off" />
        </div>
      )}
      {kind.value === "VOLUME_ABOVE" && <TextField label={t("volume")} name="volume" value={volume} problem={problem.value} isRequired inputMode="decimal" placeholder="1000" autocomplete="off" />}
      {kind.value === "CLOSE" && <TextField label={t("minutes")} name="minutes" value={minutes} problem={problem.value} isRequired inputMode="numeric" autocomplete="off" />}
      {kind.value === "FILL" && <TextField label={t("order")} name="orderId" value={order} problem={problem.value} hint={t("orderHint")} inputMode="numeric" autocomplete="off" />}
      {kind.value !== "RESOLUTION" && <Choice label={t("again")} name="pauseSeconds" value={pause} choices={PAUSES.map(([value, text]) => [value, value === "" ? t(text) : `${t("every")} ${t(text)}`] as const)} />}
      {sentTo.length > 0 && <Choice label={t("to")} name="webhookId" value={webhook} choices={[["", t("nowhere")], ...sentTo.map((one) => [one.id, one.url] as const)]} />}
      <TextField label={t("note")} name="note" value={note} problem={problem.value} hint={t("noteHint")} maxLength={200} autocomplete="off" />
      <Problem problem={problem.value} fields={FIELDS.filter((name) => name !== "marketId" || marketId === undefined)} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("make")}</button></div>
    </form>
  );
}
