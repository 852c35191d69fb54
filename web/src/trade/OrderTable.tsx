// One's open orders, each to be changed in its row or cancelled.

import { useSignal, type Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { OrderView } from "@/api/schema";
import { bracketOf } from "@/attached/brackets";
import { bundlesOf, type Bundle } from "@/attached/bundles";
import { amendOrder, cancelOrder, cancelTogether } from "@/feed/desk";
import { notify, notifyError } from "@/shell/notices";
import { changed } from "@/ticket/guardrails";
import { ANSWERED_AFTER_MS, isInsistedOn, objection, warnedOf, type Warned } from "@/ticket/judge";
import { PRICE_SCALE, formatPrice, formatQuantity, parsePrice, parseQuantity, plainNumber, priceOf, priceText, quantityOf, quantityText } from "@/units/money";
import { useTypedPrice } from "@/parts/typedPrice";
import { shownPrice } from "@/units/prices";
import { t as ticketText } from "@/ticket/texts";
import { t } from "./texts";

export function OrderTable({ orders, tick, queue }: { orders: readonly OrderView[]; tick: number; queue: ReadonlyMap<string, string> }) {
  if (orders.length === 0) return <p class="empty">{t("noOrders")}</p>;
  return (
    <table class="table orders">
      <thead>
        <tr><th>{t("side")}</th><th class="num">{t("price")}</th><th class="num">{t("shares")}</th><th class="num">{t("filled")}</th><th class="wide">{t("status")}</th><th class="num wide">{t("locked")}</th><th /></tr>
      </thead>
      <tbody>{bundlesOf(orders, bracketOf.value).flatMap((bundle) => bundleRows(bundle, tick, queue))}</tbody>
    </table>
  );
}

/** What belongs together under one head, by which all of it is cancelled. */
function bundleRows(bundle: Bundle, tick: number, queue: ReadonlyMap<string, string>) {
  const rows = bundle.orders.map((order) => <OrderRow key={order.id} order={order} tick={tick} ahead={queue.get(order.id)} role={roleOf(order, bundle)} />);
  const [first] = bundle.orders;
  if (bundle.kind === "single" || first === undefined) return rows;
  return [<BundleHead key={`of ${first.id}`} bundle={bundle} />, ...rows];
}

function BundleHead({ bundle }: { bundle: Bundle }) {
  const { bracket, orders } = bundle;
  const count = orders.length;
  const cancel = () => cancelTogether(orders).then((cancelled) => notify("plain", cancelled === 1 ? t("cancelled") : t("allCancelled", { count: cancelled })), notifyError);
  const entry = orders.find((order) => order.id === bracket?.entry);
  const what = bracket === null ? t("pair") : t(entry === undefined ? "bracketBought" : "bracket", { quantity: formatQuantity(quantityOf(bracket.quantity)), outcome: bracket.outcome });
  return (
    <tr class="bundle" data-bundle={bundle.kind}>
      <td colSpan={7}>
        <div class="between">
          <strong>{what}</strong>
          {count > 1 && <button class="button bare small danger" data-cancel-all onClick={() => void cancel()}>{t("cancelTogether", { count })}</button>}
        </div>
      </td>
    </tr>
  );
}

/** What an order is in its bundle; null where it stands alone. */
function roleOf(order: OrderView, { kind, bracket }: Bundle): "entry" | "takeProfit" | "stop" | "either" | null {
  if (kind === "single") return null;
  if (bracket === null) return "either";
  return bracket.entry === order.id ? "entry" : (bracket.legs.find((leg) => leg.id === order.id)?.role ?? "either");
}

function OrderRow({ order, tick, ahead, role }: { order: OrderView; tick: number; ahead: string | undefined; role: ReturnType<typeof roleOf> }) {
  const isEdited = useSignal(false);
  const isUp = (order.side === "BUY") === (order.outcome === "YES");
  const price = priceOf(order.price);
  const cancel = () => cancelOrder(order.id).then(() => notify("plain", t("cancelled")), notifyError);
  return (
    <tr data-order={order.id} data-role={role} class={role === null ? "" : "member"}>
      <td class={`nowrap ${isUp ? "up" : "down"}`}><strong>{order.side} {order.outcome}</strong>{role !== null && <small class="quiet role">{t(role)}</small>}</td>
      {isEdited.value ? (
        <AmendCells order={order} tick={tick} onDone={() => (isEdited.value = false)} />
      ) : (
        <>
          <td class="num">{price === null ? ticketText(order.type) : shownPrice(price, tick)}{order.triggerPrice !== null && <small class="quiet role">@ {shownPrice(priceOf(order.triggerPrice) ?? 0, tick)}</small>}</td>
          <td class="num">{order.quantity === null ? order.maxCost : formatQuantity(quantityOf(order.quantity))}</td>
          <td class="num">{formatQuantity(quantityOf(order.filled))}</td>
          <td class="wide"><span class="badge">{order.status}</span> <span class="quiet">{order.groupId !== null && <><span class="badge">{t("inGroup", { name: order.groupId })}</span> </>}{order.triggerPrice === null ? `${order.timeInForce}${order.postOnly ? ` · ${t("postOnly")}` : ""}` : `${t("trigger")} ${shownPrice(priceOf(order.triggerPrice) ?? 0, tick)}`} {ahead}</span></td>
          <td class="num wide">{order.locked.replace(/0{1,4}$/, "")}</td>
          <td class="num actions">
            {isChangeable(order) && <button class="button bare small" onClick={() => (isEdited.value = true)}>{t("amend")}</button>}
            <button class="button bare small danger" data-cancel onClick={() => void cancel()}>{t("cancel")}</button>
          </td>
        </>
      )}
    </tr>
  );
}

/** What the guardrails say to a change; of an order without a price a share may cost its worst price. */
function objectionTo(order: OrderView, newPrice: number | null, newQuantity: number): string | null {
  const price = priceOf(order.price ?? order.worstPrice) ?? PRICE_SCALE;
  const { marketId, side, outcome } = order;
  const remaining = Math.max(0, newQuantity - quantityOf(order.filled));
  const after = order.price === null ? price : (newPrice ?? price);
  return objection(changed({ marketId, side, outcome, price, remaining: quantityOf(order.remaining) }, after, remaining), true);
}

/** Whether there is anything of an order that can be changed: of one told by its cost only what it waits for. */
function isChangeable(order: OrderView): boolean {
  return order.price !== null || order.quantity !== null || isWaiting(order);
}

/** Once it was triggered, what it waited for can't be changed. */
function isWaiting(order: OrderView): boolean {
  return order.status === "PENDING" && order.triggerPrice !== null;
}

function AmendCells({ order: latest, tick, onDone }: { order: OrderView; tick: number; onDone: () => void }) {
  // What is changed is the order as it was when that began: the exchange refuses it of one that somebody changed since.
  const [order] = useState(latest);
  const plain = (text: string | null) => (text === null ? "" : formatPrice(priceOf(text) ?? 0, tick));
  const price = useTypedPrice(plain(order.price));
  const trigger = useTypedPrice(plain(order.triggerPrice));
  const quantity = useSignal(formatQuantity(quantityOf(order.quantity)).replace(/\s/g, ""));
  const warned = useSignal<Warned | null>(null);
  const isSaving = useSignal(false);
  const waits = isWaiting(order);
  const values = () => ({ price: parsePrice(price.plain()), trigger: parsePrice(trigger.plain()), quantity: parseQuantity(plainNumber(quantity.peek())) });
  const save = async (event: Event) => {
    event.preventDefault();
    if (isSaving.peek()) return;
    const next = values();
    if ((order.price !== null && next.price === null) || (waits && next.trigger === null)) return notify("bad", ticketText("needsPrice"));
    if (order.quantity !== null && next.quantity === null) return notify("bad", ticketText("needsQuantity"));
    const held = objectionTo(latest, next.price, order.quantity === null ? 0 : (next.quantity ?? 0));
    if (held !== null && !isInsistedOn(held, warned.peek())) {
      const before = warned.peek();
      if (before?.text === held && Date.now() - before.at < ANSWERED_AFTER_MS) return;
      warned.value = warnedOf(held);
      notify("bad", held);
      return;
    }
    isSaving.value = true;
    try {
      await amendOrder(order.id, {
        ...(order.price !== null && { price: priceText(next.price ?? 0) }),
        ...(waits && { triggerPrice: priceText(next.trigger ?? 0) }),
        ...(order.quantity !== null && { quantity: quantityText(next.quantity ?? 0) }),
        expectedVersion: order.version,
      });
      onDone();
    } catch (error) {
      notifyError(error);
    } finally {
      isSaving.value = false;
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.repeat) void save(event);
    if (event.key === "Escape") {
      event.stopPropagation();
      onDone();
    }
  };
  const field = (label: string, value: Signal<string>, isRight: boolean, isFirst: boolean) => (
    <input class="input num inline" aria-label={label} inputMode="decimal" autoFocus={isFirst} value={value.value} aria-invalid={!isRight} onInput={(event) => (value.value = event.currentTarget.value)} onKeyDown={onKeyDown} />
  );
  const now = values();
  return (
    <>
      <td class="num">{order.price === null && !waits && ticketText(order.type)}{waits && field(t("trigger"), trigger.text, now.trigger !== null, true)}{order.price !== null && field(t("price"), price.text, now.price !== null, !waits)}</td>
      <td class="num">{order.quantity === null ? order.maxCost : field(t("shares"), quantity, now.quantity !== null, order.price === null && !waits)}</td>
      <td class="num">{formatQuantity(quantityOf(latest.filled))}</td>
      <td class="wide" /><td class="wide" />
      <td class="num actions">
        <button class="button small" onClick={(event) => void save(event)}>{t("save")}</button>
        <button class="button bare small" onClick={onDone}>{t("undo")}</button>
      </td>
    </>
  );
}
