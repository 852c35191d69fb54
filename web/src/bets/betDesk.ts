// What the bet page does: one question's live odds, which side and how much, and sending it.
//
// Laws: what is bet is never dearer a share than what was shown (`maxPrice` is the worst price of the quote);
// a bet goes out once, whatever becomes of its answer (session/attempts).

import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { asApiError, type ApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { BetBody, BetQuoteView, BetView, ListedMarketView } from "@/api/schema";
import { oncePerFrame } from "@/feed/frames";
import { MarketFeed } from "@/feed/marketFeed";
import { Attempts, type Attempt } from "@/session/attempts";
import { watch } from "@/shell/watch";
import { play } from "@/shell/sounds";
import { rememberedText } from "@/shell/preferences";
import { cashText } from "@/units/money";
import { NO_ODDS, oddsOf, sideOf, stakeOf, type BetSide, type Odds } from "./odds";

export type BetAsked = Omit<BetBody, "clientBetId" | "side"> & { readonly side: BetSide; readonly amount: string };

const VERSION_MS = 500;
/** The stake that this browser bet last. */
export const lastStake = rememberedText("bet.stake", "25");

export class BetDesk {
  readonly side: Signal<BetSide | null>;
  readonly stakeText: Signal<string>;
  readonly stake: ReadonlySignal<bigint | null>;
  readonly odds = signal<Odds>(NO_ODDS);
  /** Moves when the book has, at most twice a second. */
  readonly version = signal(0);
  readonly placed = signal<BetView | null>(null);
  readonly problem = signal<ApiError | null>(null);
  readonly isSending = signal(false);
  readonly attempts: Attempts<BetAsked>;
  readonly feed: MarketFeed;
  private readonly stops: (() => void)[] = [];

  constructor(
    readonly market: Signal<ListedMarketView>,
    side: BetSide | null,
  ) {
    const { id } = market.peek();
    this.side = signal(side);
    this.stakeText = signal(lastStake.peek());
    this.stake = computed(() => stakeOf(this.stakeText.value));
    this.attempts = new Attempts<BetAsked>(`bet.${id}`);
    this.feed = new MarketFeed(id, (message) => (market.value = { ...market.peek(), ...message, status: message.status }));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = oncePerFrame(() => (this.odds.value = oddsOf(this.feed.book)));
    this.stops.push(
      this.feed.onBook(() => {
        show();
        timer ??= setTimeout(() => {
          timer = undefined;
          this.version.value += 1;
        }, VERSION_MS);
      }),
      // Another choice is another bet: what was said of the one before is gone.
      effect(() => {
        watch(this.side);
        watch(this.stakeText);
        this.problem.value = null;
      }),
      () => clearTimeout(timer),
      () => show.stop(),
    );
  }

  close(): void {
    for (const stop of this.stops) stop();
    this.feed.close();
  }

  /** Choose a side; one that is chosen after a bet begins another. */
  choose(side: BetSide): void {
    this.side.value = side;
    this.placed.value = null;
  }

  /** What is asked about; null as long as it isn't whole. */
  get asked(): { readonly marketId: string; readonly side: BetSide; readonly amount: string } | null {
    const side = this.side.value;
    const stake = this.stake.value;
    return side === null || stake === null ? null : { marketId: this.market.value.id, side, amount: cashText(stake) };
  }

  /** Bet what was quoted, at its worst price or better. */
  place(quote: BetQuoteView): Promise<void> {
    const { asked } = this;
    if (asked === null) return Promise.resolve();
    return this.send(quote.worstPrice === null ? asked : { ...asked, maxPrice: quote.worstPrice });
  }

  /** Ask again for what has no answer yet. */
  again(): Promise<void> {
    const open = this.attempts.open;
    return open === null ? Promise.resolve() : this.send(open.body);
  }

  /** Look whether what has no answer is among these bets: then that is known. */
  recognise(bets: readonly BetView[]): void {
    const { open } = this.attempts;
    const bet = open === null || this.isSending.peek() ? undefined : bets.find((one) => one.clientBetId === open.id);
    if (open === null || bet === undefined) return;
    this.attempts.forget(open);
    this.problem.value = null;
    this.side.value = sideOf(bet);
    this.placed.value = bet;
  }

  /** Ask no more for what has no answer: if it stands, it is among one's bets. */
  leave(open: Attempt<BetAsked>): void {
    this.problem.value = null;
    this.attempts.forget(open);
  }

  /** Begin another bet; on another venue's question it is in the mirror that the last one made. Returns that. */
  betAgain(): string | null {
    const slug = this.placed.peek()?.slug ?? null;
    this.placed.value = null;
    return slug !== null && this.market.peek().id.includes(":") ? slug : null;
  }

  private async send(body: BetAsked): Promise<void> {
    if (this.isSending.peek()) return;
    this.isSending.value = true;
    this.problem.value = null;
    try {
      const { data } = await this.attempts.run(body, (attempt) => rest.call("post", "/bets", { body: { ...attempt.body, clientBetId: attempt.id } }));
      this.placed.value = data;
      lastStake.value = this.stakeText.peek();
    } catch (thrown) {
      this.problem.value = asApiError(thrown);
      play("refusal");
    } finally {
      this.isSending.value = false;
    }
  }
}
