// What the trade page does: one market's feed, the ticket's draft, and every way an order goes out.
//
// Laws: whatever places or changes an order is held against the same guardrails (ticket/judge), the
// ticket's before it calls `send`; the ladder disarms itself when the feed is not up to date.

import { watch } from "@/shell/watch";
import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { asApiError, isUnknown } from "@/api/errors";
import { followBrackets, sendWithExits, type SentWithExits } from "@/attached/brackets";
import { NOTHING, entryOf, fitting, pairOf, type Attached } from "@/attached/legs";
import type { ListedMarketView } from "@/api/schema";
import type { Marks } from "@/charts/drawing";
import { fillListeners, fills, openOrders } from "@/feed/account";
import { amendOrder, cancelAll, cancelOrder, placeOrder, placePair, type Placed } from "@/feed/desk";
import { oncePerFrame } from "@/feed/frames";
import { MarketFeed } from "@/feed/marketFeed";
import { stateOf } from "@/feed/trust";
import { ownOrder, type OwnOrder } from "@/ladder/levels";
import { notify, notifyError } from "@/shell/notices";
import { isSignedIn } from "@/session/session";
import { changed, type Intended } from "@/ticket/guardrails";
import { objection } from "@/ticket/judge";
import { EMPTY_DRAFT, bodyOf, isByCost, ladderDraft, problemsOf, withType, type Draft } from "@/ticket/order";
import { t as ticketText } from "@/ticket/texts";
import { PRICE_SCALE, costOf, formatPrice, formatQuantity, parseQuantity, priceOf, priceText, quantityOf } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { Past } from "./past";
import { followQueue } from "./queue";
import { t } from "./texts";

const BOOK_VERSION_MS = 500;
const BAND_SHARES = 10_000;

export class TradeDesk {
  readonly draft: Signal<Draft>;
  /** What goes out with the ticket's order: exits, a second order, a group. */
  readonly attached = signal<Attached>(NOTHING);
  readonly isArmed = signal(false);
  readonly middle = signal<number | null>(null);
  readonly lastPrice: Signal<number | null>;
  /** Moves when the book has, a few times a second: what is foreseen is asked for again. */
  readonly bookVersion = signal(0);
  readonly feed: MarketFeed;
  readonly isLive: ReadonlySignal<boolean>;
  /** The book of a past moment, while it is shown in place of the live one. */
  readonly past = signal<Past | null>(null);
  /** Whether the ladder may be armed: what it shows is live. */
  readonly mayTrade: ReadonlySignal<boolean>;
  readonly ownOrders: ReadonlySignal<readonly OwnOrder[]>;
  readonly queue: ReadonlySignal<ReadonlyMap<string, string>>;
  /** Whether the market is of this exchange: another venue's is shown, not traded. */
  readonly isOurs: boolean;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly market: Signal<ListedMarketView>) {
    const { id, platform } = market.peek();
    this.isOurs = platform === undefined || platform === "exchange";
    const untouched = { ...EMPTY_DRAFT, quantity: formatQuantity(Math.max(1_000, quantityOf(market.peek().minQuantity))) };
    this.draft = signal(untouched);
    this.lastPrice = signal(priceOf(market.peek().lastPrice));
    this.feed = new MarketFeed(id, (message) => (market.value = { ...market.peek(), ...message, status: message.status }));
    this.isLive = computed(() => stateOf(this.feed.trust.value) === "live");
    this.mayTrade = computed(() => this.isLive.value && this.past.value === null);
    const here = computed(() => openOrders.value.filter((order) => order.marketId === id));
    this.ownOrders = computed(() => here.value.map(ownOrder).filter((order) => order !== null));
    const { queue, stop } = followQueue(here);
    this.queue = queue;
    const showBook = oncePerFrame(() => {
      const { bestAsk, middle } = this.feed.book;
      this.middle.value = middle;
      // The first price is the best that there is, in a ticket that nobody has begun to fill.
      if (middle !== null && this.draft.peek() === untouched) this.draft.value = { ...untouched, price: formatPrice(bestAsk ?? middle, this.tick) };
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onFill = (fill: Parameters<Parameters<typeof fillListeners.add>[0]>[0]) =>
      notify("good", t("filledNotice", { side: t(fill.side === "BUY" ? "bought" : "sold"), quantity: formatQuantity(quantityOf(fill.quantity)), outcome: fill.outcome, price: shownPrice(priceOf(fill.price) ?? 0, this.tick) }));
    fillListeners.add(onFill);
    this.stops.push(
      stop,
      this.feed.onBook(() => {
        showBook();
        timer ??= setTimeout(() => {
          timer = undefined;
          this.bookVersion.value += 1;
        }, BOOK_VERSION_MS);
      }),
      this.feed.onTape(() => (this.lastPrice.value = this.feed.tape.prints[0]?.price ?? this.lastPrice.peek())),
      effect(() => {
        if (!this.mayTrade.value) this.isArmed.value = false;
      }),
      followBrackets(),
      () => fillListeners.delete(onFill),
      () => clearTimeout(timer),
      () => showBook.stop(),
    );
  }

  close(): void {
    for (const stop of this.stops) stop();
    this.past.peek()?.close();
    this.feed.close();
  }

  private get tick(): number {
    return priceOf(this.market.peek().tickSize) ?? 100;
  }

  /** Arm the ladder, which only what is ours and up to date may be, or disarm it. */
  toggleArmed(): void {
    this.isArmed.value = !this.isArmed.peek() && this.isOurs && this.mayTrade.peek();
  }

  /** Show the book's past, which can't be traded on, or what is live again. */
  togglePast(): void {
    const before = this.past.peek();
    before?.close();
    this.past.value = before === null && this.isOurs ? new Past(this.market.peek().id, Math.max(1, this.feed.seq)) : null;
  }

  /** Take a price of YES into the ticket. */
  pick(yesPrice: number, outcome: "YES" | "NO"): void {
    const price = outcome === "YES" ? yesPrice : PRICE_SCALE - yesPrice;
    const draft = this.draft.peek();
    const priced = draft.type === "MARKET" ? withType(draft, "LIMIT") : draft;
    this.draft.value = { ...priced, outcome, price: formatPrice(price, this.tick) };
  }

  async send(): Promise<void> {
    if (this.past.peek() !== null) return;
    const draft = this.draft.peek();
    const attached = fitting(this.attached.peek(), draft);
    const market = this.market.peek().id;
    if (attached.mode === "none") await this.place(entryOf(draft, attached));
    else if (attached.mode === "other") await placePair(market, pairOf(draft, attached)).then(() => notify("plain", ticketText("pairPlaced")), notifyError);
    else await sendWithExits(market, draft, attached, this.tick).then((sent) => this.tellExits(sent), notifyError);
  }

  private tellExits({ placed, failure }: SentWithExits): void {
    this.tellPlaced(placed);
    if (failure === null) return;
    const error = asApiError(failure);
    notify("bad", isUnknown(error) ? ticketText("exitsUnknown") : ticketText("exitsFailed", { reason: error.message }));
  }

  /** Place what the ticket's shares say at a price of the ladder, by a plain limit until it is cancelled. */
  async placeAt(yesPrice: number, outcome: "YES" | "NO"): Promise<void> {
    if (!isSignedIn.peek() || !this.isOurs) {
      this.pick(yesPrice, outcome);
      return;
    }
    if (isByCost(this.draft.peek())) {
      notify("bad", ticketText("ladderByCost"));
      return;
    }
    const price = outcome === "YES" ? yesPrice : PRICE_SCALE - yesPrice;
    const draft = ladderDraft(this.draft.peek(), outcome, formatPrice(price, this.tick));
    const terms = { tick: this.tick, minQuantity: quantityOf(this.market.peek().minQuantity) };
    const problem = problemsOf(draft, terms, Date.now())[0];
    if (problem !== undefined) {
      notify("bad", ticketText(problem.text));
      return;
    }
    const shares = parseQuantity(draft.quantity) ?? 0;
    if (isHeldBack({ marketId: this.market.peek().id, side: "BUY", outcome, reduceOnly: false, pays: costOf(price, shares), shares })) return;
    await this.place(bodyOf(draft));
  }

  private async place(body: ReturnType<typeof bodyOf>): Promise<void> {
    try {
      this.tellPlaced(await placeOrder(this.market.peek().id, body));
    } catch (error) {
      notifyError(error);
    }
  }

  private tellPlaced({ order }: Placed): void {
    // Its fills are told one by one.
    if (order.status === "FILLED") return;
    const isOver = order.status === "CANCELLED" || order.status === "REJECTED";
    const rests = isOver ? order.cancelReason ?? "0" : formatQuantity(quantityOf(order.remaining));
    notify("plain", t("placed", { filled: formatQuantity(quantityOf(order.filled)), rests }));
  }

  /** Give an order another price, through the same checks as a new one. */
  async move(order: OwnOrder, yesPrice: number): Promise<void> {
    const own = (yes: number) => (order.outcome === "YES" ? yes : PRICE_SCALE - yes);
    const price = own(yesPrice);
    const side = (order.side === "bid") === (order.outcome === "YES") ? "BUY" : "SELL";
    const before = { marketId: this.market.peek().id, side, outcome: order.outcome, price: own(order.price), remaining: order.remaining } as const;
    if (isHeldBack(changed(before, price, order.remaining))) return;
    const change = { price: priceText(price), expectedVersion: order.version };
    await amendOrder(order.id, change).then(() => notify("plain", t("moved", { price: shownPrice(price, this.tick) })), notifyError);
  }

  async cancel(orders: readonly OwnOrder[]): Promise<void> {
    await Promise.all(orders.map((order) => cancelOrder(order.id).then(() => notify("plain", t("cancelled")), notifyError)));
  }

  cancelHere(): Promise<void> {
    return this.cancelAll(this.market.peek().id);
  }
  cancelEverywhere(): Promise<void> {
    return this.cancelAll(null);
  }

  private async cancelAll(market: string | null): Promise<void> {
    if (!isSignedIn.peek()) return;
    try {
      const count = await cancelAll(market);
      notify("plain", count === 0 ? t("noneToCancel") : t("allCancelled", { count }));
    } catch (error) {
      notifyError(error);
    }
  }

  /** What is drawn on the price chart beside the price. */
  marks(): Marks {
    watch(this.bookVersion);
    const { id } = this.market.peek();
    const shares = parseQuantity(this.draft.value.quantity) ?? BAND_SHARES;
    const buy = this.feed.book.sweep("asks", shares).average;
    const sell = this.feed.book.sweep("bids", shares).average;
    const mine = fills.value.filter((fill) => fill.marketId === id);
    return {
      orders: this.ownOrders.value.map((order) => ({ price: order.price, isBid: order.side === "bid" })),
      fills: mine.map((fill) => ({ time: Date.parse(fill.createdAt) / 1_000, price: priceOf(fill.yesPrice) ?? 0, isUp: (fill.side === "BUY") === (fill.outcome === "YES") })),
      band: buy === null || sell === null ? null : { sell, buy },
    };
  }
}

/** Whether a guardrail holds back what the ladder would do: a click there can't be asked twice. */
function isHeldBack(intended: Intended | null): boolean {
  const held = objection(intended, false);
  if (held !== null) notify("bad", held);
  return held !== null;
}
