// One market to trade in: what it is, its book, its past, the ticket, and what is mine of it.

import { computed, signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { ListedMarketView } from "@/api/schema";
import { DepthChart } from "@/charts/DepthChart";
import { PriceChart } from "@/charts/PriceChart";
import { Ladder } from "@/ladder/Ladder";
import { layout } from "@/shell/preferences";
import type { PageProps } from "@/shell/routes";
import { withOutcome } from "@/ticket/order";
import { Ticket } from "@/ticket/Ticket";
import { formatPrice, priceOf } from "@/units/money";
import { listenToKeys } from "./keys";
import { MarketHead } from "./MarketHead";
import { Mine } from "./Mine";
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

const PARTS = ["ladder", "chart", "tape", "mine"] as const;
type Part = (typeof PARTS)[number];

function Market({ first }: { first: ListedMarketView }) {
  const market = useMemo(() => signal(first), []);
  const desk = useMemo(() => new TradeDesk(market), []);
  const part = useSignal<Part>("ladder");
  const isTicketOpen = useSignal(false);
  const now = market.value;
  const tick = priceOf(now.tickSize) ?? 100;
  useEffect(() => () => desk.close(), []);
  useEffect(() => {
    const price = desk.middle.value;
    document.title = `${price === null ? "" : `${formatPrice(price, tick)} · `}${now.question}`;
  }, [desk.middle.value, now.question]);
  useEffect(
    () =>
      listenToKeys({
        cancelHere: () => void desk.cancelHere(),
        cancelEverywhere: () => void desk.cancelEverywhere(),
        centre: () => document.querySelector<HTMLButtonElement>(".ladder [data-centre]")?.click(),
        arm: () => desk.toggleArmed(),
        outcome: (outcome) => (desk.draft.value = withOutcome(desk.draft.peek(), outcome, tick)),
        side: (side) => (desk.draft.value = { ...desk.draft.peek(), side }),
        focus: (field) => document.querySelector<HTMLInputElement>(`#ticket-${field}`)?.select(),
      }),
    [],
  );
  const marks = useMemo(() => computed(() => desk.marks()), []);
  return (
    <div class={`trade ${layout.value}`} data-part={part.value} data-ticket-open={isTicketOpen.value}>
      <MarketHead market={now} middle={desk.middle} />
      <div class="segments parts" role="group" aria-label={t("views")}>
        {PARTS.map((one) => <button key={one} aria-pressed={part.value === one} onClick={() => (part.value = one)}>{t(one)}</button>)}
      </div>
      <div class="area-ladder">
        <Ladder feed={desk.feed} tick={tick} lastPrice={desk.lastPrice} orders={desk.ownOrders} queue={desk.queue} isArmed={desk.isArmed} isLive={desk.isLive} onArm={desk.isOurs ? () => desk.toggleArmed() : null}
          onPick={(price, outcome) => {
            desk.pick(price, outcome);
            isTicketOpen.value = true;
          }}
          onPlace={(price, outcome) => void desk.placeAt(price, outcome)} onMove={(order, price) => void desk.move(order, price)} onCancel={(orders) => void desk.cancel(orders)} />
      </div>
      <div class={`area-chart ${desk.isLive.value ? "" : "aged"}`}><PriceChart market={now.id} feed={desk.feed} tick={tick} marks={marks} /></div>
      <div class={`area-depth ${desk.isLive.value ? "" : "aged"}`}><DepthChart feed={desk.feed} tick={tick} /></div>
      <div class={`area-tape ${desk.isLive.value ? "" : "aged"}`}><TapePanel feed={desk.feed} tick={tick} /></div>
      <div class="area-mine"><Mine marketId={now.id} tick={tick} middle={desk.middle} queue={desk.queue} onCancelAll={() => void desk.cancelHere()} /></div>
      <div class="area-ticket">
        <button class="button bare sheet-close" onClick={() => (isTicketOpen.value = false)}>{t("close")}</button>
        <Ticket market={now} draft={desk.draft} bookVersion={desk.bookVersion} best={() => ({ bid: desk.feed.book.bestBid, ask: desk.feed.book.bestAsk })} isLive={desk.isLive} onSend={() => desk.send()} />
      </div>
      <button class="button primary open-ticket" onClick={() => (isTicketOpen.value = true)}>{t("trade")}</button>
      <TrustBar trust={desk.feed.trust} />
    </div>
  );
}
