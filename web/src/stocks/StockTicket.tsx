// Buying and selling a stock: what is typed, what would come of it, and what keeps it from being sent.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { ApiError } from "@/api/errors";
import type { StockPositionView, StockTradeView, StockView } from "@/api/schema";
import { balance } from "@/feed/account";
import { isSure } from "@/parts/Dialog";
import { Choice, Problem, TextField, useSending, type Sending } from "@/parts/Form";
import type { Attempt } from "@/session/attempts";
import { standing } from "@/session/session";
import { notify } from "@/shell/notices";
import { confirmOrders } from "@/shell/preferences";
import { path } from "@/shell/router";
import { cashOf, formatCash, formatQuantity, quantityOf } from "@/units/money";
import { heldOf, LEVERAGES, lineOf, type Foreseen, type Held, type Leverage } from "./curve";
import { bodyOf, judged, partOf, TOLERANCES, type Draft, type Judged, type Side, type Tolerance, type Unit } from "./draft";
import { orders, send, type StockOrder } from "./sending";
import { t } from "./texts";
import { wordsOf } from "./words";

const FIELDS = ["shares", "amount"];
const PARTS = [25, 50, 100] as const;
const UNITS: readonly Unit[] = ["shares", "amount"];

interface Props {
  readonly stock: StockView;
  readonly position: StockPositionView | null;
  readonly onDone: () => void;
}

export function StockTicket({ stock, position, onDone }: Props) {
  const side = useSignal<Side>("BUY");
  const unit = useSignal<Unit>("shares");
  const typed = useSignal("");
  const leverage = useSignal<Leverage>(1);
  const tolerance = useSignal<Tolerance>("100");
  const sending = useSending();
  const [line, held] = [lineOf(stock), heldOf(position)];
  const available = balance.value === null ? null : cashOf(balance.value.available);
  const draft: Draft = { side: side.value, unit: unit.value, typed: typed.value, leverage: leverage.value, tolerance: tolerance.value };
  const found = judged(draft, line, held, available);
  const isBuy = side.value === "BUY";
  const take = (change: Partial<Draft>) => {
    if (change.unit !== undefined) unit.value = change.unit;
    if (change.typed !== undefined) typed.value = change.typed;
    if (change.leverage !== undefined) leverage.value = change.leverage;
  };
  const turn = (to: Side) => {
    side.value = to;
    sending.problem.value = null;
  };
  const done = (trade: StockTradeView) => {
    tell(trade);
    typed.value = "";
    onDone();
  };
  const isOut = standing.value === "out";
  const open = orders.open;
  const isLost = open !== null && !sending.isBusy.value;
  const go = async () => {
    const { foreseen } = found;
    // A form without a button is sent by Enter all the same.
    if (isLost || isOut || foreseen === null || found.problem !== null) return;
    if (confirmOrders.value && !(await isAgreed(stock, draft, held, foreseen))) return;
    try {
      done(await send({ side: draft.side, body: bodyOf(stock.symbol, draft, foreseen) }));
    } catch (thrown) {
      // What is shown may be what was refused.
      onDone();
      throw thrown;
    }
  };
  const said = isLost ? null : sending.problem.value;
  const isHalted = isBuy && stock.status === "HALTED";
  return (
    <section class="panel stock-ticket" aria-label={`${t("buy")} / ${t("sell")}`}>
      <form class="body stack" onSubmit={sending.on(go)}>
        <div class="segments filled" role="group" aria-label={t("side")}>
          <button type="button" class="tone-up" aria-pressed={isBuy} onClick={() => turn("BUY")}>{t("buy")}</button>
          <button type="button" class="tone-down" aria-pressed={!isBuy} onClick={() => turn("SELL")}>{t("sell")}</button>
        </div>
        <div class="between">
          <span class="quiet small">{isBuy ? t("available") : t("youHold")}</span>
          <span data-have>{isBuy ? (available === null ? "–" : formatCash(available)) : formatQuantity(Number(held.shares))}</span>
        </div>
        <div class="segments filled" role="group" aria-label={t("by")}>
          {UNITS.map((one) => <button key={one} type="button" aria-pressed={unit.value === one} onClick={() => { unit.value = one; typed.value = ""; }}>{t(one)}</button>)}
        </div>
        <TextField label={unit.value === "shares" ? t("shares") : t(isBuy ? "pays" : "brings")} name={unit.value} value={typed} problem={said === null || wordsOf(said) !== null ? null : said} inputMode="decimal" autocomplete="off" placeholder={unit.value === "shares" ? "10" : "100"} />
        {(isBuy ? (available ?? 0n) > 0n : held.shares > 0n) && (
          <div class="row parts" role="group" aria-label={t("by")}>
            {PARTS.map((part) => <button key={part} type="button" class="button small" onClick={() => (typed.value = partOf(draft, part, line, held, available))}>{part}{"\u202f"}%</button>)}
          </div>
        )}
        {isBuy && <LeverageChoice value={leverage.value} onChange={(one) => (leverage.value = one)} />}
        <Said found={found} take={take} />
        {found.foreseen !== null && <Words isBuy={isBuy} of={found.foreseen} />}
        <Choice label={t("tolerance")} name="tolerance" value={tolerance} choices={TOLERANCES.map((one) => [one, one === "0" ? t("exactly") : `${Number(one) / 100}\u202f%`] as const)} hint={t("toleranceHint")} />
        <Refusal of={said} />
        {isHalted && <p class="warned" role="status">{t("halted")}</p>}
        {isLost ? (
          <LostAnswer open={open} sending={sending} onDone={done} onLeft={onDone} />
        ) : isOut ? (
          <a class="button primary send" href={`/sign-in?next=${encodeURIComponent(path.value)}`}>{t("signIn")}</a>
        ) : (
          <button class={`button send ${isBuy ? "go-up" : "go-down"}`} data-send disabled={sending.isBusy.value || isHalted || found.foreseen === null || found.problem !== null}>
            {open?.isLost === true ? `${t("asksAgain")} …` : t(isBuy ? "buyNow" : "sellNow", { shares: found.foreseen === null ? "" : formatQuantity(Number(found.foreseen.shares)), symbol: stock.symbol }).replace(/ {2,}/g, " ").trim()}
          </button>
        )}
      </form>
    </section>
  );
}

/** What the exchange refused, but what stands beside the field. */
function Refusal({ of }: { of: ApiError | null }) {
  const words = of === null ? null : wordsOf(of);
  return words === null ? <Problem problem={of} fields={FIELDS} /> : <p class="problem" role="alert" data-problem={of?.code}>{words}</p>;
}

function LeverageChoice({ value, onChange }: { value: Leverage; onChange: (one: Leverage) => void }) {
  return (
    <div class="field">
      <span class="label">{t("leverage")}</span>
      <div class="segments filled" role="group" aria-label={t("leverage")}>
        {LEVERAGES.map((one) => <button key={one} type="button" aria-pressed={value === one} onClick={() => onChange(one)}>{one}×</button>)}
      </div>
      <span class="quiet small">{value === 1 ? t("noLeverage") : t("leverageHint", { part: `1/${value}` })}</span>
    </div>
  );
}

/** What keeps the draft from being sent, with the nearest that doesn't. */
function Said({ found, take }: { found: Judged; take: (change: Partial<Draft>) => void }) {
  const { problem, nearest } = found;
  if (problem === null) return null;
  return (
    <p class="words refused between" role="status" data-refused>
      <span>{problem}</span>
      {nearest !== null && <button type="button" class="button small" onClick={() => take(nearest.change)}>{nearest.text}</button>}
    </p>
  );
}

function Words({ isBuy, of }: { isBuy: boolean; of: Foreseen }) {
  const rows: [string, ComponentChildren, string][] = [
    [t(isBuy ? "cost" : "proceeds"), formatCash(of.total, true), "total"],
    [t("average"), formatCash(of.average, true), "average"],
    ...(of.loan === 0n ? [] : [[t(isBuy ? "borrow" : "repay"), formatCash(isBuy ? of.loan : -of.loan, true), "loan"] satisfies [string, string, string]]),
    [t(isBuy ? "youPay" : "youGet"), <strong key="cash">{formatCash(isBuy ? -of.cash : of.cash, true)}</strong>, "cash"],
    [t("after"), formatCash(of.priceAfter, true), "after"],
  ];
  if (of.liquidation !== null) rows.push([t("interestADay"), formatCash(of.interestADay, true), "interest"], [t("liquidation"), <strong key="line" class="warned">{formatCash(of.liquidation, true)}</strong>, "liquidation"]);
  return (
    <dl class="facts words" data-foreseen>
      {rows.map(([name, value, key]) => <FactRow key={key} name={name} value={value} of={key} />)}
    </dl>
  );
}

function FactRow({ name, value, of }: { name: string; value: ComponentChildren; of: string }) {
  return <><dt>{name}</dt><dd data-fact={of}>{value}</dd></>;
}

interface LostProps {
  readonly open: Attempt<StockOrder>;
  readonly sending: Sending;
  readonly onDone: (trade: StockTradeView) => void;
  readonly onLeft: () => void;
}

function LostAnswer({ open, sending, onDone, onLeft }: LostProps) {
  const { side, body } = open.body;
  const ask = async () => onDone(await send(open.body));
  const leave = () => {
    orders.forget(open);
    onLeft();
  };
  return (
    <div class="note stack" role="alert" data-lost>
      <p><strong>{t(side === "BUY" ? "lostBuy" : "lostSell", { symbol: body.symbol })}</strong> {t("lostWhy")}</p>
      <div class="row">
        <button type="button" class="button primary" disabled={sending.isBusy.value} onClick={() => void sending.run(ask)}>{t("findOut")}</button>
        <button type="button" class="button" disabled={sending.isBusy.value} onClick={leave}>{t("leave")}</button>
      </div>
    </div>
  );
}

function tell(trade: StockTradeView): void {
  const values = { shares: formatQuantity(quantityOf(trade.shares)), symbol: trade.symbol, total: formatCash(cashOf(trade.total)) };
  const others = trade.liquidated > 0 ? ` ${t("othersSold", { count: trade.liquidated })}` : "";
  notify("good", t(trade.side === "BUY" ? "bought" : "sold", values), `${t("average2", { price: formatCash(cashOf(trade.averagePrice), true) })}${others}`);
}

/** Ask whether it is meant, as whoever hasn't said otherwise is asked. */
function isAgreed(stock: StockView, draft: Draft, held: Held, of: Foreseen): Promise<boolean> {
  const isBuy = draft.side === "BUY";
  const values = { shares: formatQuantity(Number(of.shares)), symbol: stock.symbol, total: formatCash(of.total), paid: formatCash(isBuy ? -of.cash : of.cash) };
  const text = (
    <div class="stack">
      <p>{t(isBuy ? "sureBuy" : "sureSell", values)}</p>
      {of.liquidation !== null && <p class="warned">{t("sureLoan", { loan: formatCash(held.loan + of.loan), price: formatCash(of.liquidation, true) })}</p>}
    </div>
  );
  return isSure({ title: t("sure"), text, action: t(isBuy ? "buyNow" : "sellNow", values) });
}
