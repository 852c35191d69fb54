// How much is bet, what that pays, and the one button. What came of it stands in its place.
//
// Laws: the button says the whole bet, and sends what was quoted and is seen; a bet whose answer was lost is asked
// for again before there is another one. What takes the place of what had the focus has it then.

import { useEffect, useRef } from "preact/hooks";
import { watch } from "@/shell/watch";
import { rest } from "@/api/rest";
import type { BetQuoteView } from "@/api/schema";
import { balance } from "@/feed/account";
import { useOwnId } from "@/parts/ownId";
import { isSignedIn } from "@/session/session";
import { navigate, path } from "@/shell/router";
import { CASH_SCALE, cashOf, formatCash, formatGain, formatQuantity, priceOf, quantityOf, typedCash } from "@/units/money";
import { shownPrice } from "@/units/prices";
import type { BetDesk } from "./betDesk";
import { betBounds, readBetBounds, stakesWithin } from "./bounds";
import type { Labels } from "./labels";
import { estimateOf, sideOf } from "./odds";
import { useQuote, type Quoted } from "./quoting";
import { t } from "./texts";
import { saidOf, wordsOf } from "./words";

const QUICK = [10n, 25n, 50n, 100n].map((credits) => credits * CASH_SCALE);

export interface FormProps {
  readonly desk: BetDesk;
  readonly labels: Labels;
}

export function BetForm({ desk, labels }: FormProps) {
  const isLost = desk.attempts.open !== null && !desk.isSending.value;
  const Shown = desk.placed.value !== null ? Placed : isLost ? Lost : Form;
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(Shown);
  useEffect(() => {
    if (before.current !== Shown && document.activeElement === document.body) place.current?.focus({ preventScroll: true });
    before.current = Shown;
  }, [Shown]);
  return <div ref={place} class="bet-place" tabIndex={-1}><Shown desk={desk} labels={labels} /></div>;
}

function Form({ desk, labels }: FormProps) {
  const { stake, side } = { stake: desk.stake.value, side: desk.side.value };
  const asked = isSignedIn.value ? desk.asked : null;
  const quoted = useQuote<BetQuoteView>(asked === null ? null : JSON.stringify(asked), desk.version.value, async (signal) => {
    const now = desk.asked;
    if (now === null) throw new DOMException("nothing is asked", "AbortError");
    return (await rest.call("get", "/bets/quote", { query: now, signal })).data;
  });
  const quote = quoted.state === "known" ? quoted.quote : null;
  // As long as a refusal is shown the quote isn't.
  const isRefused = desk.problem.value !== null;
  const submit = (event: Event) => {
    event.preventDefault();
    if (quote !== null && !isRefused) void desk.place(quote);
  };
  return (
    <form class="stack bet-form" onSubmit={submit}>
      <StakeField desk={desk} />
      <Outcome desk={desk} labels={labels} quoted={quoted} />
      {isSignedIn.value ? (
        <button class="button primary big" data-place disabled={quote === null || isRefused || desk.isSending.value}>
          {desk.isSending.value ? `${t(desk.attempts.open?.isLost === true ? "asksAgain" : "placing")} …` : side === null || stake === null ? t("placeNone") : t("place", { stake: formatCash(stake, true), side: labels[side] })}
        </button>
      ) : (
        <a class="button primary big" href={`/sign-in?next=${encodeURIComponent(`${path.value}${side === null ? "" : `?side=${side}`}`)}`}>{t("signInToBet")}</a>
      )}
      {side !== null && <p class="quiet small centred">{t("ifLoses", { side: labels[side === "THIS" ? "THAT" : "THIS"] })}</p>}
    </form>
  );
}

function StakeField({ desk }: { desk: BetDesk }) {
  const id = useOwnId();
  const available = isSignedIn.value && balance.value !== null ? cashOf(balance.value.available) : null;
  const choose = (text: string) => (desk.stakeText.value = text);
  const isNone = desk.stake.value === null && desk.stakeText.value.trim() !== "";
  const bounds = betBounds.value;
  useEffect(() => void readBetBounds(), []);
  // All that one has, or as much of it as one bet may be.
  const most = available === null ? null : bounds !== null && available > bounds.most ? bounds.most : available;
  const all = most === null || most < (bounds?.least ?? CASH_SCALE) ? null : typedCash(most - (most % 10_000n));
  return (
    <div class="stake">
      <div class="row between">
        <label class="label" for={id}>{t("stake")}</label>
        {available !== null && <span class="quiet small">{t("have", { cash: formatCash(available) })}</span>}
      </div>
      <div class="stake-field">
        <input id={id} class="input" name="stake" inputMode="decimal" autocomplete="off" maxLength={16} value={desk.stakeText.value} aria-invalid={isNone} aria-describedby={`${id}-said`} onInput={(event) => choose(event.currentTarget.value)} onFocus={(event) => event.currentTarget.select()} />
        <span class="quiet" aria-hidden="true">{t("credits_")}</span>
      </div>
      <span id={`${id}-said`} class="stake-said">
        {isNone ? <span class="problem">{t("amountNone")}</span> : bounds !== null && <span class="quiet small">{t("amountBetween", { least: formatCash(bounds.least), most: formatCash(bounds.most) })}</span>}
      </span>
      <div class="quick">
        {stakesWithin(QUICK, bounds).map((cash) => (
          <button key={cash} type="button" class="button" aria-label={t("stakeQuick", { stake: formatCash(cash) })} aria-pressed={desk.stake.value === cash} onClick={() => choose(typedCash(cash))}>{typedCash(cash)}</button>
        ))}
        {all !== null && <button type="button" class="button" aria-pressed={desk.stakeText.value === all} onClick={() => choose(all)}>{t("most")}</button>}
      </div>
    </div>
  );
}

/** What the bet pays, by the exchange's word where it is known; else about, by the book. */
function Outcome({ desk, labels, quoted }: FormProps & { quoted: Quoted<BetQuoteView> }) {
  const side = desk.side.value;
  const stake = desk.stake.value;
  watch(desk.odds);
  if (side === null || stake === null) return <p class="outcome empty-outcome quiet">{t("stakeNone")}</p>;
  const error = desk.problem.value ?? (quoted.state === "refused" ? quoted.error : null);
  if (error !== null) return <Refusal desk={desk} error={error} />;
  if (quoted.state !== "known") {
    const estimate = estimateOf(desk.odds.value, side, stake);
    return (
      <div class="outcome" aria-busy={quoted.state === "asking"}>
        <p class="get"><span>{t("youGet")}</span> <strong>{estimate === null ? "–" : `≈ ${formatCash(estimate.payout)}`}</strong> <span>{t("ifWins", { side: labels[side] })}</span></p>
        <p class="quiet small">{quoted.state === "asking" ? `${t("asking")} …` : estimate === null ? t("NO_LIQUIDITY") : t("gain", { gain: formatGain(estimate.payout - estimate.cost) })}</p>
      </div>
    );
  }
  const { quote } = quoted;
  const [price, worst] = [priceOf(quote.averagePrice), priceOf(quote.worstPrice)];
  const fee = cashOf(quote.fee);
  return (
    <div class="outcome" data-quote>
      <p class="get"><span>{t("youGet")}</span> <strong data-payout>{formatCash(cashOf(quote.payout))}</strong> <span>{t("ifWins", { side: labels[side] })}</span></p>
      <p class="up-word">{t("gain", { gain: formatGain(cashOf(quote.profit)) })}</p>
      <p class="quiet small">
        {price !== null && t("terms", { shares: formatQuantity(quantityOf(quote.shares)), price: shownPrice(price) })}
        {worst !== null && worst !== price && <>, {t("atMost", { price: shownPrice(worst) })}</>} · {fee === 0n ? t("noFee") : t("fee", { fee: formatCash(fee, true) })}
      </p>
      {quote.reason !== null && <p class="note">{t("less", { cost: formatCash(cashOf(quote.cost) + fee) })}{wordsOf(quote.reason) === null && ` (${quote.reason})`}</p>}
    </div>
  );
}

function Refusal({ desk, error }: { desk: BetDesk; error: NonNullable<BetDesk["problem"]["value"]> }) {
  const available = balance.value === null ? null : cashOf(balance.value.available);
  const said = saidOf(error, desk.stake.value, available);
  const nearest = said.nearest;
  const look = () => (desk.problem.value = null);
  const take = (stake: string) => {
    desk.stakeText.value = stake;
    look();
  };
  return (
    <div class="outcome refused" role="alert" data-refused={error.code}>
      <p>{said.text}</p>
      <p class="row centred">
        {nearest !== null && <button type="button" class="button" data-nearest onClick={() => take(nearest.stake)}>{nearest.label}</button>}
        {error.code === "INSUFFICIENT_BALANCE" && <a class="button" href="/rewards">{t("toRewards")}</a>}
        {desk.problem.value !== null && nearest === null && <button type="button" class="button" data-look onClick={look}>{t("lookAgain")}</button>}
      </p>
    </div>
  );
}

function Lost({ desk, labels }: FormProps) {
  const open = desk.attempts.open;
  if (open === null) return null;
  const { side, amount } = open.body;
  return (
    <div class="outcome refused" role="alert" data-lost>
      <p><strong>{t("lost")}</strong></p>
      <p>{t("lostWhy", { stake: formatCash(cashOf(amount), true), side: labels[side] })}</p>
      <p class="row centred">
        <button type="button" class="button primary" onClick={() => void desk.again()}>{t("askAgain")}</button>
        <button type="button" class="button" onClick={() => desk.leave(open)}>{t("leaveIt")}</button>
      </p>
    </div>
  );
}

function Placed({ desk, labels }: FormProps) {
  const bet = desk.placed.value;
  if (bet === null) return null;
  const side = sideOf(bet);
  const cost = cashOf(bet.cost) + cashOf(bet.fee);
  const left = cashOf(bet.amount) - cost;
  const again = () => {
    const mirror = desk.betAgain();
    if (mirror !== null) navigate(`/bet/${encodeURIComponent(mirror)}?side=${side}`, true);
  };
  return (
    <div class="outcome placed" role="status" data-placed={bet.id}>
      <p class="get"><span aria-hidden="true" class="tick">✓</span> <strong>{t("placed")}</strong></p>
      <p>{t("placedMore", { cost: formatCash(cost), side: labels[side], payout: formatCash(cashOf(bet.potentialPayout)) })}</p>
      {bet.reason !== null && left > 0n && <p class="quiet small">{t("placedLess", { left: formatCash(left) })}</p>}
      <p class="row centred">
        <button type="button" class="button" onClick={again}>{t("again")}</button>
        <a class="button" href="/bets/mine">{t("seeMine")}</a>
      </p>
    </div>
  );
}
