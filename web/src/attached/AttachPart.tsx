// Where exits, a second order and a group are attached to the ticket's order, and what they would do in
// words. Loaded by whoever opens it alone.

import { useSignal, type Signal } from "@preact/signals";
import { rest } from "@/api/rest";
import { Problem as Said, TextField, useSending } from "@/parts/Form";
import { notify } from "@/shell/notices";
import { Choice, PriceField } from "@/ticket/Fields";
import type { Forecast } from "@/ticket/forecast";
import { hasPrice, settled, waits, type Draft, type Field, type Terms } from "@/ticket/order";
import { t as ticketText } from "@/ticket/texts";
import { PRICE_SCALE, costOf, formatCash, formatGain, formatPrice, formatQuantity, onTick, parsePrice, parseQuantity } from "@/units/money";
import { shownPrice, shownText } from "@/units/prices";
import "./attached.css";
import { useGroups } from "./groups";
import { exitProblems, hasExits, modesOf, neededLater, otherOf, otherProblems, otherTypes, type Attached, type ExitField } from "./legs";
import { t } from "./texts";

export interface AttachProps {
  readonly attached: Signal<Attached>;
  readonly draft: Draft;
  readonly terms: Terms;
  /** What is paid for a share at most, null where it isn't known yet. */
  readonly entry: number | null;
}

const NEW = " ";

export function AttachPart({ attached, draft, terms, entry }: AttachProps) {
  const now = attached.value;
  const change = (part: Partial<Attached>) => (attached.value = { ...attached.peek(), ...part });
  const modes = modesOf(draft);
  const mode = modes.includes(now.mode) ? now.mode : "none";
  return (
    <div class="stack" data-attach={mode}>
      {modes.length > 1 ? <Choice label={t("mode")} value={mode} choices={modes} onChoose={(chosen) => change({ mode: chosen })} text={(one) => t(one)} /> : <p class="quiet">{t("noneFits")}</p>}
      {mode === "exits" && <Exits now={now} change={change} tick={terms.tick} entry={entry} />}
      {mode === "other" && <Other now={now} change={change} draft={draft} terms={terms} />}
      <GroupChoice groupId={now.groupId} onChoose={(groupId) => change({ groupId })} />
    </div>
  );
}

interface Part {
  readonly now: Attached;
  readonly change: (part: Partial<Attached>) => void;
}

function Exits({ now, change, tick, entry }: Part & { tick: number; entry: number | null }) {
  const problems = exitProblems(now, entry, tick);
  const field = (name: ExitField, away: number) => (
    <PriceField tick={tick} name={name} label={t(name)} placeholder={t("optional")} value={now[name]} problem={problems.find((one) => one.field === name)} onInput={(text) => change({ [name]: text })}
      onStep={(direction) => change({ [name]: stepped(now[name], (entry ?? PRICE_SCALE / 2) + away * tick, direction, tick) })} />
  );
  return (
    <>
      {field("takeProfit", 10)}
      {field("stop", -10)}
      {now.stop !== "" && field("stopWorst", -15)}
    </>
  );
}

/** A step from what is there, or the first value of an empty field. */
function stepped(text: string, first: number, direction: 1 | -1, tick: number): string {
  const price = parsePrice(text);
  return formatPrice(onTick(price === null ? first : price + direction * tick, tick), tick);
}

function Other({ now, change, draft, terms }: Part & { draft: Draft; terms: Terms }) {
  const other = otherOf(now, draft);
  const problems = otherProblems(now, draft, terms, Date.now());
  const set = (part: Partial<Draft>) => change({ other: settled({ ...now.other, type: other.type, ...part }) });
  const field = (name: "price" | "triggerPrice" | "worstPrice", isOptional = false) => (
    <PriceField tick={terms.tick} name={`other-${name}`} label={ticketText(name)} placeholder={isOptional ? t("optional") : ""} value={other[name]} problem={problems.find((one) => one.field === (name as Field))} onInput={(text) => set({ [name]: text })}
      onStep={(direction) => set({ [name]: stepped(other[name], PRICE_SCALE / 2, direction, terms.tick) })} />
  );
  return (
    <>
      <Choice label={t("otherType")} value={other.type} choices={otherTypes(draft)} onChoose={(type) => set({ type })} text={(type) => ticketText(type)} />
      {waits(other.type) && field("triggerPrice")}
      {hasPrice(other) ? field("price") : field("worstPrice", other.side === "SELL")}
    </>
  );
}

function GroupChoice({ groupId, onChoose }: { groupId: string | null; onChoose: (groupId: string | null) => void }) {
  const { groups, reload } = useGroups();
  const isNew = useSignal(false);
  const names = groups.map((group) => group.groupId);
  const known = groupId === null || names.includes(groupId) ? names : [...names, groupId];
  return (
    <>
      <Choice label={t("group")} value={isNew.value ? NEW : (groupId ?? "")} choices={["", ...known, NEW]} text={(name) => (name === "" ? t("noGroup") : name === NEW ? t("newGroup") : name)}
        onChoose={(name) => {
          isNew.value = name === NEW;
          onChoose(name === "" || name === NEW ? null : name);
        }} />
      {isNew.value && <NewGroup onMade={(name) => {
        isNew.value = false;
        onChoose(name);
        reload();
      }} />}
    </>
  );
}

function NewGroup({ onMade }: { onMade: (name: string) => void }) {
  const [name, maxFilled, maxNet, seconds] = [useSignal("quotes"), useSignal("100"), useSignal(""), useSignal("10")];
  const { problem, isBusy, run } = useSending();
  const make = () =>
    run(async () => {
      const body = { groupId: name.value.trim(), maxFilled: maxFilled.value, windowSeconds: Number(seconds.value), ...(maxNet.value.trim() !== "" && { maxNet: maxNet.value }) };
      const { data } = await rest.call("post", "/order-groups", { body });
      notify("good", t("groupMade", { name: data.groupId, filled: formatQuantity(parseQuantity(data.maxFilled) ?? 0), seconds: data.windowSeconds }));
      onMade(data.groupId);
    });
  const onEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    // The ticket around it isn't sent by that.
    event.preventDefault();
    event.stopPropagation();
    void make();
  };
  return (
    <div class="stack new-group" role="group" aria-label={t("newGroup")} onKeyDown={onEnter}>
      <TextField label={t("groupName")} name="groupId" value={name} problem={problem.value} autocomplete="off" />
      <TextField label={t("maxFilled")} name="maxFilled" value={maxFilled} problem={problem.value} inputMode="decimal" autocomplete="off" />
      <TextField label={t("maxNet")} name="maxNet" value={maxNet} problem={problem.value} inputMode="decimal" placeholder={t("optional")} autocomplete="off" />
      <TextField label={t("window")} name="windowSeconds" value={seconds} problem={problem.value} inputMode="numeric" autocomplete="off" />
      <p class="quiet small">{t("groupHint")}</p>
      <Said problem={problem.value} fields={["groupId", "maxFilled", "maxNet", "windowSeconds"]} />
      <button type="button" class="button" disabled={isBusy.value} onClick={() => void make()}>{t("makeGroup")}</button>
    </div>
  );
}

/** What would become of what is attached, in words. */
export function AttachWords({ attached, draft, tick, forecast }: { attached: Attached; draft: Draft; tick: number; forecast: Forecast | null }) {
  if (attached.mode === "other") {
    return (
      <div class="words attach-words" role="status">
        <p>{t("pairWords", { order: orderWords(otherOf(attached, draft), tick) })}</p>
        <p class="quiet">{t("whichever")} {draft.side === "BUY" ? t("pairLock") : ""}</p>
      </div>
    );
  }
  if (attached.mode !== "exits") return null;
  if (!hasExits(attached)) return <p class="words quiet">{t("nothingYet")}</p>;
  if (forecast === null) return null;
  const paid = forecast.averagePrice ?? 0;
  return (
    <div class="words attach-words" role="status">
      <strong>{t("wordsTitle")}</strong>
      {forecast.fills > 0 && <ExitWords attached={attached} outcome={draft.outcome} quantity={forecast.fills} paid={paid} tick={tick} isComing={false} />}
      {forecast.rests > 0 && (
        <>
          <ExitWords attached={attached} outcome={draft.outcome} quantity={forecast.rests} paid={parsePrice(draft.price) ?? paid} tick={tick} isComing />
          <p class="quiet">{t("comingWords", { quantity: formatQuantity(forecast.rests), cash: formatCash(neededLater(attached, forecast.rests, tick)) })} {t("unfilled")}</p>
        </>
      )}
    </div>
  );
}

function ExitWords({ attached, outcome, quantity, paid, tick, isComing }: { attached: Attached; outcome: string; quantity: number; paid: number; tick: number; isComing: boolean }) {
  const [takeProfit, stop] = [parsePrice(attached.takeProfit), parsePrice(attached.stop)];
  const values = (price: number) => ({ outcome, quantity: formatQuantity(quantity), price: shownPrice(price, tick), gain: formatGain(costOf(price, quantity) - costOf(paid, quantity)) });
  return (
    <ul>
      {takeProfit !== null && <li>{t(isComing ? "takeProfitComing" : "takeProfitHeld", values(takeProfit))}</li>}
      {stop !== null && <li>{t(takeProfit === null ? "stopNow" : "stopNowElse", values(stop))} {attached.stopWorst !== "" && t("stopWorstWords", { price: shownText(attached.stopWorst, tick) })}</li>}
      {takeProfit !== null && stop !== null && <li class="quiet">{t("whichever")}</li>}
    </ul>
  );
}

/** An order of a pair, in words. */
function orderWords(order: Draft, tick: number): string {
  const values = { side: t(order.side === "BUY" ? "buy" : "sell"), outcome: order.outcome, quantity: order.quantity, price: shownText(order.price, tick), trigger: shownText(order.triggerPrice, tick), worst: order.worstPrice === "" ? "" : t("worst", { price: shownText(order.worstPrice, tick) }) };
  if (!waits(order.type)) return t("limitWords", values);
  // A stop waits for the price to go against, a take-profit for it to go with its side.
  const isUp = (order.side === "BUY") === (order.type !== "TAKE_PROFIT");
  if (hasPrice(order)) return t(isUp ? "waitLimitUp" : "waitLimitDown", values);
  return t(isUp ? "waitMarketUp" : "waitMarketDown", values);
}

