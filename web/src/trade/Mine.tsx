// What is mine: open orders here, positions with their profit, fills, cash and why some of it is locked.

import type * as Bars from "@/attached/GroupBars";
import { signal, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { rest } from "@/api/rest";
import type { EscrowView, OrderView } from "@/api/schema";
import { balance, fills, openOrders, positions } from "@/feed/account";
import { isSignedIn } from "@/session/session";
import { PRICE_SCALE, cashOf, costOf, formatCash, formatGain, formatQuantity, priceOf, quantityOf } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { clock } from "@/units/time";
import { OrderTable } from "./OrderTable";
import { t } from "./texts";

const TABS = ["orders", "positions", "fills", "balance"] as const;
type Tab = (typeof TABS)[number];

export interface MineProps {
  readonly marketId: string;
  readonly tick: number;
  /** The middle of the book, by which positions here are valued. */
  readonly middle: ReadonlySignal<number | null>;
  readonly queue: ReadonlySignal<ReadonlyMap<string, string>>;
  readonly onCancelAll: () => void;
}

export function Mine(props: MineProps) {
  const tab = useSignal<Tab>("orders");
  const here = openOrders.value.filter((order) => order.marketId === props.marketId);
  const counts: Partial<Record<Tab, number>> = { orders: here.length, positions: positions.value.length };
  return (
    <section class="panel mine" aria-label={t("mine")}>
      <header>
        <div class="tabs" role="tablist">
          {TABS.map((name) => (
            <button key={name} role="tab" aria-selected={tab.value === name} onClick={() => (tab.value = name)}>
              {t(name)}{counts[name] === undefined || counts[name] === 0 ? "" : ` ${counts[name]}`}
            </button>
          ))}
        </div>
        {tab.value === "orders" && here.length > 0 && <button class="button bare small danger" onClick={props.onCancelAll}>{t("cancelAll")} <kbd>Esc</kbd></button>}
      </header>
      <div class="scroll" role="tabpanel" aria-label={t(tab.value)} tabIndex={0}>
        {!isSignedIn.value ? <p class="empty">{t("signIn")}</p>
          : tab.value === "orders" ? <><Groups orders={here} /><OrderTable orders={here} tick={props.tick} queue={props.queue.value} /></>
          : tab.value === "positions" ? <Positions {...props} />
          : tab.value === "fills" ? <Fills {...props} />
          : <Cash />}
      </div>
    </section>
  );
}

const GroupBars = signal<typeof Bars.default | null>(null);

/** One's order groups, loaded once an order here is of one. */
function Groups({ orders }: { orders: readonly OrderView[] }) {
  const hadOne = useSignal(false);
  const hasOne = orders.some((order) => order.groupId !== null);
  useEffect(() => {
    if (!hasOne) return;
    hadOne.value = true;
    if (GroupBars.peek() === null) void import("@/attached/GroupBars").then((module) => (GroupBars.value = module.default));
  }, [hasOne]);
  const Loaded = GroupBars.value;
  // A group that came to a limit has no orders any more, and is shown all the same.
  return hadOne.value && Loaded !== null ? <Loaded orders={orders} /> : null;
}

function Positions({ marketId, tick, middle }: MineProps) {
  if (positions.value.length === 0) return <p class="empty">{t("noPositions")}</p>;
  return (
    <table class="table" data-positions>
      <thead><tr><th>{t("market")}</th><th class="num">{t("shares")}</th><th class="num">{t("average")}</th><th class="num">{t("value")}</th><th class="num">{t("profit")}</th><th class="num wide">{t("realised")}</th></tr></thead>
      <tbody>
        {positions.value.map((one) => {
          const quantity = quantityOf(one.quantity);
          const yes = one.marketId === marketId ? middle.value : null;
          const mark = yes === null ? null : one.outcome === "YES" ? yes : PRICE_SCALE - yes;
          const value = mark === null ? null : costOf(mark, quantity);
          const profit = value === null ? null : value - cashOf(one.cost);
          return (
            <tr key={`${one.marketId} ${one.outcome}`} data-position={one.outcome}>
              <td><a href={`/trade/${one.slug}`} class="ellipsis">{one.slug}</a> <span class={one.outcome === "YES" ? "up" : "down"}>{one.outcome}</span></td>
              <td class="num">{formatQuantity(quantity)}</td>
              <td class="num">{one.averagePrice === null ? "–" : shownPrice(priceOf(one.averagePrice) ?? 0, tick)}</td>
              <td class="num">{value === null ? "–" : formatCash(value)}</td>
              <td class={`num ${profit === null ? "" : profit >= 0n ? "up" : "down"}`}>{profit === null ? "–" : formatGain(profit)}</td>
              <td class="num wide">{formatGain(cashOf(one.realisedProfit))}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Fills({ marketId, tick }: MineProps) {
  const here = fills.value.filter((fill) => fill.marketId === marketId);
  if (here.length === 0) return <p class="empty">{t("noFills")}</p>;
  return (
    <table class="table">
      <thead><tr><th>{t("time")}</th><th>{t("side")}</th><th class="num">{t("price")}</th><th class="num">{t("shares")}</th><th class="num">{t("fees")}</th></tr></thead>
      <tbody>
        {here.map((fill) => (
          <tr key={`${fill.id} ${fill.orderId}`}>
            <td class="quiet">{clock(fill.createdAt)}</td>
            <td class={(fill.side === "BUY") === (fill.outcome === "YES") ? "up" : "down"}>{fill.side} {fill.outcome} <span class="quiet">{t(fill.role === "MAKER" ? "maker" : "taker")}</span></td>
            <td class="num">{shownPrice(priceOf(fill.price) ?? 0, tick)}</td>
            <td class="num">{formatQuantity(quantityOf(fill.quantity))}</td>
            <td class="num">{formatCash(cashOf(fill.fee), true)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const ESCROW_SHOWN = 50;

function Cash() {
  const escrow = useSignal<readonly EscrowView[] | null>(null);
  const held = balance.value;
  useEffect(() => {
    let isOver = false;
    rest.call("get", "/user/escrow", { query: { limit: ESCROW_SHOWN } }).then((answer) => !isOver && (escrow.value = answer.data), () => undefined);
    return () => {
      isOver = true;
    };
  }, [held]);
  if (held === null) return null;
  return (
    <div class="body stack">
      <dl class="facts cash-facts">
        <dt>{t("available")}</dt><dd>{formatCash(cashOf(held.available), true)}</dd>
        <dt>{t("locked")}</dt><dd>{formatCash(cashOf(held.locked), true)}</dd>
        <dt>{t("total")}</dt><dd><strong>{formatCash(cashOf(held.total), true)}</strong></dd>
      </dl>
      <div class="stack">
        <h3>{t("why")}</h3>
        {escrow.value?.length === 0 && <p class="quiet">{t("whyNone")}</p>}
        <ul>
          {escrow.value?.map((one) => (
            <li key={one.orderId} class="between">
              <a href={`/trade/${one.slug}`}>{t("whyLine", { side: t(one.side === "BUY" ? "toBuy" : "toSell"), quantity: formatQuantity(quantityOf(one.remaining)), outcome: one.outcome, price: one.price === null ? "–" : shownPrice(priceOf(one.price) ?? 0), market: one.slug })}</a>
              <span>{quantityOf(one.lockedShares) > 0 ? `${formatQuantity(quantityOf(one.lockedShares))} ${one.outcome}` : formatCash(cashOf(one.lockedCredits), true)}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
