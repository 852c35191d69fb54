// One market to trade in: what it is, its book, its past, the ticket, and what is mine of it.

import { computed, signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { ListedMarketView } from "@/api/schema";
import { DepthChart } from "@/charts/DepthChart";
import { PriceChart } from "@/charts/PriceChart";
import { Ladder } from "@/ladder/Ladder";
import type { OwnOrder } from "@/ladder/levels";
import { layout } from "@/shell/preferences";
import type { PageProps } from "@/shell/routes";
import { useTitle } from "@/shell/title";
import { withOutcome } from "@/ticket/order";
import { HOLD_MS, Ticket, isHeldToSend } from "@/ticket/Ticket";
import { priceOf } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { listenToKeys } from "./keys";
import { MarketHead } from "./MarketHead";
import { Mine } from "./Mine";
import { PastBar } from "./PastBar";
import { spokenOf } from "./spoken";
import { TapePanel } from "./TapePanel";
import { t } from "./texts";
import "./trade.css";
import { TradeDesk } from "./tradeDesk";
import { TrustBar } from "./TrustBar";

export default function TradePage({ params }: PageProps) {
  const name = params["market"] ?? "";
  const market = useSignal<ListedMarketView | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    let isOver = false;
    market.value = null;
    problem.value = null;
    rest.call("get", "/markets/{slug}", { path: { slug: name } }).then(
      (answer) => !isOver && (market.value = answer.data),
      (thrown: unknown) => !isOver && (problem.value = asApiError(thrown).message),
    );
    return () => {
      isOver = true;
    };
  }, [name]);
  if (problem.value !== null) return <div class="loading" role="alert">{problem.value}</div>;
  if (market.value === null) return <div class="loading" aria-busy="true">{t("loading")}</div>;
  return <Market key={market.value.id} first={market.value} />;
}

const NO_ORDERS = signal<readonly OwnOrder[]>([]);
/** Today's last price says nothing of a past moment. */
const NO_PRICE = signal<number | null>(null);
const PARTS = ["ladder", "chart", "tape", "mine"] as const;
type Part = (typeof PARTS)[number];

function Market({ first }: { first: ListedMarketView }) {
  const market = useMemo(() => signal(first), []);
  const desk = useMemo(() => new TradeDesk(market), []);
  const part = useSignal<Part>("ladder");
  const isTicketOpen = useSignal(false);
  const spoken = useSignal("");
  const now = market.value;
  const past = desk.past.value;
  const shown = past ?? desk.feed;
  const tick = priceOf(now.tickSize) ?? 100;
  useEffect(() => () => desk.close(), []);
  const price = desk.middle.value;
  useTitle(`${price === null ? "" : `${shownPrice(price, tick)} · `}${now.question}`);
  useEffect(
    () =>
      listenToKeys({
        cancelHere: () => void desk.cancelHere(),
        cancelEverywhere: () => void desk.cancelEverywhere(),
        centre: () => document.querySelector<HTMLButtonElement>(".ladder [data-centre]")?.click(),
        arm: () => desk.toggleArmed(),
        outcome: (outcome) => (desk.draft.value = withOutcome(desk.draft.peek(), outcome, tick)),
        side: (side) => (desk.draft.value = { ...desk.draft.peek(), side }),
        speak: () => {
          const words = spokenOf(desk, market.peek().id, tick);
          // The same words again are read again only if they differ.
          spoken.value = spoken.peek() === words ? `${words}\u00a0` : words;
        },
        focus: (field) => document.querySelector<HTMLInputElement>(`#ticket-${field}`)?.select(),
      }),
    [],
  );
  const marks = useMemo(() => computed(() => desk.marks()), []);
  return (
    <div class={`trade ${layout.value}`} data-part={part.value} data-ticket-open={isTicketOpen.value} data-shows={past === null ? "now" : "past"}>
      <div class="area-head">
        <MarketHead market={now} middle={desk.middle} />
        {past !== null && <PastBar past={past} onLeave={() => desk.togglePast()} />}
      </div>
      <div class="segments parts" role="group" aria-label={t("views")}>
        {PARTS.map((one) => <button key={one} aria-pressed={part.value === one} onClick={() => (part.value = one)}>{t(one)}</button>)}
      </div>
      <div class="area-ladder">
        <Ladder feed={shown} tick={tick} lastPrice={past === null ? desk.lastPrice : NO_PRICE} orders={past === null ? desk.ownOrders : NO_ORDERS} queue={desk.queue} isArmed={desk.isArmed} isLive={desk.mayTrade} isPast={past !== null} onArm={desk.isOurs ? () => desk.toggleArmed() : null}
          holdMs={isHeldToSend.value ? HOLD_MS : 0}
          onPick={(price, outcome) => {
            desk.pick(price, outcome);
            isTicketOpen.value = true;
          }}
          onPlace={(price, outcome) => void desk.placeAt(price, outcome)} onMove={(order, price) => void desk.move(order, price)} onCancel={(orders) => void desk.cancel(orders)} />
      </div>
      <div class={`area-chart ${desk.isLive.value ? "" : "aged"}`}><PriceChart market={now.id} feed={desk.feed} tick={tick} marks={marks} /></div>
      <div class={`area-depth ${desk.isLive.value ? "" : "aged"}`}><DepthChart feed={shown} tick={tick} /></div>
      <div class={`area-tape ${desk.isLive.value ? "" : "aged"}`}><TapePanel market={now.id} feed={desk.feed} tick={tick} upTo={past?.shown.value?.seq ?? null} /></div>
      <div class="area-mine"><Mine marketId={now.id} tick={tick} middle={desk.middle} queue={desk.queue} onCancelAll={() => void desk.cancelHere()} /></div>
      <div class="area-ticket">
        <button class="button bare sheet-close" onClick={() => (isTicketOpen.value = false)}>{t("close")}</button>
        <Ticket market={now} draft={desk.draft} attached={desk.attached} bookVersion={desk.bookVersion} best={() => ({ bid: desk.feed.book.bestBid, ask: desk.feed.book.bestAsk })} isLive={desk.isLive} isPast={past !== null} onSend={() => desk.send()} />
      </div>
      <button class="button primary open-ticket" onClick={() => (isTicketOpen.value = true)}>{t("trade")}</button>
      <p class="visually-hidden" role="status" data-spoken>{spoken.value}</p>
      <TrustBar trust={desk.feed.trust} isPast={past !== null} onPast={desk.isOurs ? () => desk.togglePast() : null} />
    </div>
  );
}
