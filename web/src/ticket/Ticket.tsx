// The ticket: an order of any kind, what it comes to in words, and the one button that sends it.
//
// Laws: what is sent is what was foreseen; a feed that is not up to date is said before. One press, one
// order: a key that is held sends once. The day's loss is measured against the equity that this browser
// saw first today.

import { watch } from "@/shell/watch";
import { computed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import type { ListedMarketView } from "@/api/schema";
import { positions } from "@/feed/account";
import { lastAckMs } from "@/feed/desk";
import { isSignedIn } from "@/session/session";
import { confirmOrders, rememberedSwitch } from "@/shell/preferences";
import { PRICE_SCALE, formatPrice, formatQuantity, onTick, parsePrice, parseQuantity, priceOf, quantityOf } from "@/units/money";
import { shownPrice, shownText } from "@/units/prices";
import { Attach, AttachedWords } from "@/attached/Attach";
import { entryOf, exitProblems, fitting, hasExits, looksOf, otherProblems, type Attached, type Mode } from "@/attached/legs";
import { Choice, NumberField, PriceField, Segments } from "./Fields";
import { Guardrails } from "./Guardrails";
import type { Intended } from "./guardrails";
import { ANSWERED_AFTER_MS, isInsistedOn, objection, warnedOf, type Warned } from "./judge";
import { hasPrice, isByCost, mayRest, problemsOf, settled, timesOf, waits, withOutcome, withType, type Draft, type Field, type Terms } from "./order";
import { t } from "./texts";
import "./ticket.css";
import { NO_ATTACHMENTS, useForecast } from "./useForecast";
import { Words } from "./Words";

export interface TicketProps {
  readonly market: ListedMarketView;
  readonly draft: Signal<Draft>;
  readonly attached: Signal<Attached>;
  readonly bookVersion: ReadonlySignal<number>;
  readonly best: () => { bid: number | null; ask: number | null };
  readonly isLive: ReadonlySignal<boolean>;
  /** Whether the page shows a past moment: nothing is sent meanwhile. */
  readonly isPast: boolean;
  /** Sends the order; resolves when it was answered, whatever the answer. */
  readonly onSend: () => Promise<void>;
}

const KINDS = ["LIMIT", "MARKET", "STOP", "STOP_LIMIT", "TAKE_PROFIT"] as const;
export const HOLD_MS = 450;
export const isHeldToSend = rememberedSwitch("holdToSend", false);
type Asked = "no" | "just" | "yes";
/** Whether it is asked before an order goes out: who holds to send is sure. */
const asks = computed(() => confirmOrders.value && !isHeldToSend.value);

export function Ticket(props: TicketProps) {
  const { market, draft, isLive, isPast } = props;
  const isSending = useSignal(false);
  const warned = useSignal<Warned | null>(null);
  /** Whether the order of the moment was asked about: just now, or long enough ago to be answered. */
  const asked = useSignal<Asked>("no");
  const tick = priceOf(market.tickSize) ?? 100;
  const now = draft.value;
  const terms = { tick, minQuantity: quantityOf(market.minQuantity) };
  const problems = problemsOf(now, terms, Date.now());
  const attached = fitting(props.attached.value, now);
  const entry = entryPrice(props, now);
  const isWhole = problems.length === 0 && isAttachedWhole(attached, now, terms, entry);
  const body = isWhole && isSignedIn.value ? entryOf(now, attached) : null;
  const attachments = isWhole ? { orders: looksOf(now, attached, parseQuantity(now.quantity) ?? terms.minQuantity, tick), isPair: attached.mode === "other" } : NO_ATTACHMENTS;
  const foreseen = useForecast(market.id, body, props.bookVersion.value, attachments);
  const change = (part: Partial<Draft>) => (draft.value = settled({ ...draft.peek(), ...part }));
  const problem = (field: Field) => problems.find((one) => one.field === field);
  const stepPrice = (field: "price" | "triggerPrice" | "worstPrice") => (direction: 1 | -1) => {
    const price = parsePrice(draft.peek()[field]) ?? touch(props, draft.peek()) ?? PRICE_SCALE / 2;
    change({ [field]: formatPrice(onTick(price + direction * tick, tick), tick) });
  };
  useEffect(() => {
    warned.value = null;
  }, [now, foreseen.state, props.attached.value]);
  // Another order is asked about anew.
  useLayoutEffect(() => {
    asked.value = "no";
  }, [now, isPast, props.attached.value]);
  useEffect(() => {
    if (asked.value !== "just") return undefined;
    const timer = setTimeout(() => (asked.value = "yes"), ANSWERED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [asked.value]);

  const intended = (): Intended => {
    const { side, outcome, reduceOnly } = now;
    const shares = isByCost(now) ? Number.MAX_SAFE_INTEGER : (parseQuantity(now.quantity) ?? 0);
    const order = { marketId: market.id, side, outcome, reduceOnly };
    if (foreseen.state !== "known") return { ...order, pays: null, shares };
    return { ...order, pays: foreseen.paysMost, shares: foreseen.forecast.fills + foreseen.forecast.rests };
  };
  const send = async () => {
    if (isSending.peek() || props.isPast) return;
    const held = objection(intended(), true);
    // Only what was warned of may be done all the same.
    if (held !== null && !isInsistedOn(held, warned.peek())) {
      if (warned.peek()?.text !== held) warned.value = warnedOf(held);
      return;
    }
    // Whoever sends it in spite of a warning was asked.
    if (asks.peek() && held === null && asked.peek() !== "yes") {
      asked.value = "just";
      return;
    }
    isSending.value = true;
    try {
      await props.onSend();
    } finally {
      isSending.value = false;
      warned.value = null;
      asked.value = "no";
    }
  };
  if (market.platform !== undefined && market.platform !== "exchange") {
    return <section class="panel ticket"><header><h2>{t("title")}</h2></header><p class="empty">{t("venue")}</p></section>;
  }
  const takesOrders = market.status === "OPEN" || market.status === "POST_ONLY";
  return (
    <section class="panel ticket" aria-label={t("title")} data-ticket>
      <header><h2>{t("title")}</h2>{lastAckMs.value !== null && <small class="quiet">{t("ack", { ms: Math.round(lastAckMs.value) })}</small>}</header>
      <form class="body stack" onSubmit={(event) => {
        event.preventDefault();
        if (!isHeldToSend.peek() && body !== null) void send();
      }} onKeyDown={(event) => {
        if (event.key === "Enter" && event.repeat) event.preventDefault();
      }}>
        <div class="pair">
          <Segments label={t("type")} value={now.side} choices={["BUY", "SELL"]} onChoose={(side) => change({ side })} text={(side) => t(side === "BUY" ? "buy" : "sell")} />
          <Segments label="YES / NO" value={now.outcome} choices={["YES", "NO"]} onChoose={(outcome) => (draft.value = withOutcome(draft.peek(), outcome, tick))} text={(outcome) => outcome} tone={(outcome) => (outcome === "YES" ? "tone-up" : "tone-down")} />
        </div>
        <Choice label={t("type")} value={now.type} choices={KINDS} onChoose={(type) => (draft.value = withType(draft.peek(), type))} text={(type) => t(type)} />
        {waits(now.type) && <PriceField tick={tick} name="triggerPrice" label={t("triggerPrice")} value={now.triggerPrice} problem={problem("triggerPrice")} onInput={(triggerPrice) => change({ triggerPrice })} onStep={stepPrice("triggerPrice")} />}
        {hasPrice(now) && (
          <PriceField tick={tick} name="price" label={t("price")} value={now.price} problem={problem("price")} onInput={(price) => change({ price })} onStep={stepPrice("price")}>
            <Quick props={props} tick={tick} onPick={(price) => change({ price })} />
          </PriceField>
        )}
        {now.type === "TAKE_PROFIT" && <Segments label={t("becomes")} value={now.isLimited ? "atLimit" : "atMarket"} choices={["atMarket", "atLimit"]} onChoose={(how) => change({ isLimited: how === "atLimit", timeInForce: how === "atLimit" ? "GTC" : "IOC" })} text={(how) => t(how)} />}
        {now.side === "BUY" && !hasPrice(now) && <Segments label={t("quantity")} value={now.byCost ? "cost" : "shares"} choices={["shares", "cost"]} onChoose={(by) => change({ byCost: by === "cost" })} text={(by) => t(by === "cost" ? "byCost" : "byShares")} />}
        {isByCost(now) ? (
          <NumberField name="maxCost" label={t("maxCost")} value={now.maxCost} problem={problem("maxCost")} onInput={(maxCost) => change({ maxCost })} />
        ) : (
          <NumberField name="quantity" label={t("quantity")} value={now.quantity} problem={problem("quantity")} onInput={(quantity) => change({ quantity })} onStep={(direction) => change({ quantity: stepped(draft.peek().quantity, direction) })}>
            {now.side === "SELL" && <Held market={market.id} outcome={now.outcome} onPick={(quantity) => change({ quantity })} />}
          </NumberField>
        )}
        {!hasPrice(now) && <PriceField tick={tick} name="worstPrice" label={t("worstPrice")} placeholder={t("optional")} value={now.worstPrice} problem={problem("worstPrice")} onInput={(worstPrice) => change({ worstPrice })} onStep={stepPrice("worstPrice")} />}
        <details>
          <summary>{t("more")}</summary>
          <div class="stack">
            <Choice label={t("timeInForce")} value={now.timeInForce} choices={timesOf(now)} onChoose={(timeInForce) => change({ timeInForce })} text={(time) => t(time)} />
            {now.timeInForce === "GTD" && <label class="field"><span>{t("expiresAt")}</span><input class="input" type="datetime-local" value={now.expiresAt} onInput={(event) => change({ expiresAt: event.currentTarget.value })} /></label>}
            {waits(now.type) && <Choice label={t("triggerBy")} value={now.triggerBy} choices={["LAST", "BEST"]} onChoose={(triggerBy) => change({ triggerBy })} text={(by) => t(by)} />}
            <label class="check"><input type="checkbox" checked={now.postOnly} disabled={now.type !== "LIMIT" || !mayRest(now)} onChange={(event) => change({ postOnly: event.currentTarget.checked })} />{t("postOnly")}</label>
            <label class="check"><input type="checkbox" checked={now.reduceOnly} disabled={mayRest(now)} onChange={(event) => change({ reduceOnly: event.currentTarget.checked })} />{t("reduceOnly")}</label>
            <Choice label={t("stp")} value={now.selfTradePrevention} choices={["CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH"]} onChoose={(selfTradePrevention) => change({ selfTradePrevention })} text={(what) => t(what)} />
            <label class="check"><input type="checkbox" checked={isHeldToSend.value} onChange={(event) => (isHeldToSend.value = event.currentTarget.checked)} />{t("holdPreference")}</label>
          </div>
        </details>
        <Attach attached={props.attached} draft={now} terms={terms} entry={entry} />
        <details>
          <summary>{t("guardrails")}</summary>
          <Guardrails />
        </details>
        <Words foreseen={foreseen} draft={now} tick={tick} />
        <AttachedWords attached={attached} draft={now} tick={tick} forecast={foreseen.state === "known" ? foreseen.forecast : null} />
        {props.isPast && <p class="warned" role="status">{t("past")}</p>}
        {!isLive.value && <p class="warned" role="status">{t("stale")}</p>}
        {!takesOrders && <p class="warned" role="status">{t("notOpen", { status: market.status })}</p>}
        {warned.value !== null && <p class="warned" role="alert">{warned.value.text}</p>}
        {isSignedIn.value ? (
          <SendButton draft={now} mode={attached.mode} tick={tick} asked={asked.value} onBack={() => (asked.value = "no")} isReady={body !== null && !isSending.value && takesOrders && !props.isPast} onSend={send} />
        ) : (
          <a class="button primary send" href={`/sign-in?next=${encodeURIComponent(`/trade/${market.slug ?? market.id}`)}`}>{t("signIn")}</a>
        )}
      </form>
    </section>
  );
}

/** A button that acts when it has been held long enough, once however long that goes on. */
export class Hold {
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly afterMs: number,
    private readonly tell: (isHolding: boolean) => void,
  ) {}

  begin(act: () => void): void {
    if (this.timer !== null) return;
    this.tell(true);
    this.timer = setTimeout(() => {
      this.stop();
      act();
    }, this.afterMs);
  }

  stop(): void {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.tell(false);
  }
}

function SendButton({ draft, mode, tick, asked, onBack, isReady, onSend }: { draft: Draft; mode: Mode; tick: number; asked: Asked; onBack: () => void; isReady: boolean; onSend: () => Promise<void> }) {
  const isHeld = isHeldToSend.value;
  const isHolding = useSignal(false);
  const hold = useMemo(() => new Hold(HOLD_MS, (is) => (isHolding.value = is)), []);
  // What is held down is this order: another one, or none, begins anew.
  useLayoutEffect(() => () => hold.stop(), [draft, isReady, isHeld]);
  const begin = () => isHeld && isReady && hold.begin(() => void onSend());
  const stop = () => hold.stop();
  const side = t(draft.side === "BUY" ? "toBuy" : "toSell");
  const values = { side, quantity: draft.quantity, outcome: draft.outcome, price: shownText(draft.price, tick), cost: draft.maxCost };
  const alone = isByCost(draft) ? t("sendCost", values) : hasPrice(draft) ? t("send", values) : t("sendMarket", values);
  const text = mode === "none" ? alone : t(mode === "exits" ? "withExits" : "withOther", { order: alone });
  const isUp = (draft.side === "BUY") === (draft.outcome === "YES");
  const button = (
    <button type={isHeld ? "button" : "submit"} data-send data-asks={asks.value} class={`button send ${isUp ? "go-up" : "go-down"} ${isHolding.value ? "holding" : ""}`} disabled={!isReady} title={isHeld ? t("hold") : undefined} onPointerDown={(event) => event.button === 0 && begin()} onPointerUp={stop} onPointerLeave={stop} onPointerCancel={stop} onBlur={stop} onKeyDown={(event) => (event.key === "Enter" || event.key === " ") && !event.repeat && begin()} onKeyUp={stop}>
      {asked !== "no" ? t("confirm", { order: text }) : text}
    </button>
  );
  return (
    <div class="stack sending" data-asked={asked}>
      {asked !== "no" && <p class="asked" role="alert">{t("asked")} <button type="button" class="button small" onClick={onBack}>{t("notYet")}</button></p>}
      {button}
    </div>
  );
}

/** What a share is paid at most, as far as it is known. */
function entryPrice(props: TicketProps, draft: Draft): number | null {
  const met = touch(props, draft);
  const limit = hasPrice(draft) ? parsePrice(draft.price) : null;
  return limit === null ? met : met === null ? limit : Math.min(limit, met);
}

function isAttachedWhole(attached: Attached, draft: Draft, terms: Terms, entry: number | null): boolean {
  if (attached.mode === "exits") return hasExits(attached) && exitProblems(attached, entry, terms.tick).length === 0;
  return attached.mode === "none" || otherProblems(attached, draft, terms, Date.now()).length === 0;
}

/** The price that the order would meet. */
function touch(props: TicketProps, draft: Draft): number | null {
  const { bid, ask } = props.best();
  const yes = (draft.side === "BUY") === (draft.outcome === "YES") ? ask : bid;
  if (yes === null) return null;
  return draft.outcome === "YES" ? yes : PRICE_SCALE - yes;
}

function Quick({ props, tick, onPick }: { props: TicketProps; tick: number; onPick: (price: string) => void }) {
  watch(props.bookVersion);
  const { bid, ask } = props.best();
  const { outcome } = props.draft.value;
  const own = (price: number | null) => (price === null ? null : outcome === "YES" ? price : PRICE_SCALE - price);
  const middle = bid === null || ask === null ? null : onTick(Math.floor((bid + ask) / 2), tick);
  const all = [["bestBid", own(outcome === "YES" ? bid : ask)], ["middle", own(middle)], ["bestAsk", own(outcome === "YES" ? ask : bid)]] as const;
  return <span class="quick">{all.map(([text, price]) => price !== null && <button key={text} type="button" class="link" onClick={() => onPick(formatPrice(price, tick))}>{t(text)} {shownPrice(price, tick)}</button>)}</span>;
}

function Held({ market, outcome, onPick }: { market: string; outcome: string; onPick: (quantity: string) => void }) {
  const free = quantityOf(positions.value.find((one) => one.marketId === market && one.outcome === outcome)?.free);
  if (free === 0) return null;
  const half = Math.floor(free / 200) * 100;
  return (
    <span class="quick">
      {half > 0 && <button type="button" class="link" onClick={() => onPick(plainQuantity(half))}>{t("half")}</button>}
      <button type="button" class="link" onClick={() => onPick(plainQuantity(free))}>{t("all")} {formatQuantity(free)}</button>
    </span>
  );
}

function plainQuantity(quantity: number): string {
  return formatQuantity(quantity).replace(/\s/g, "");
}

function stepped(text: string, direction: 1 | -1): string {
  const quantity = parseQuantity(text) ?? 0;
  const step = quantity >= 10_000 && (direction === 1 || quantity > 10_000) ? 1_000 : 100;
  return plainQuantity(Math.max(100, quantity + direction * step));
}
