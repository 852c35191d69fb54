// One's own bets, live: read by pages, and changed by what the exchange tells of each.
//
// Laws: what is told while a page is read stays on top of it; a gap in what is told, or a new line, has all
// of it read anew. A bet that no longer fits what was asked for leaves the list, and a new one that does
// stands first. A list holds no more than `ROWS_MOST`.

import { signal } from "@preact/signals";
import { type ApiError, asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { BetState, BetView } from "@/api/schema";
import { Stream } from "@/feed/alerts";
import { line } from "@/feed/line";
import { ROWS_MOST, type Listed } from "@/parts/loading";

const TOPIC = "bets";
const PAGE = 50;

export interface Wanted {
  /** Which statuses; none for all. */
  readonly statuses: readonly BetState[];
  /** The market's id or slug; null for all. */
  readonly market: string | null;
}

/** Put a bet as it is now into a list that is sorted newest first; `isWanted` says whether it belongs there. */
export function withBet(bets: readonly BetView[], bet: BetView, isWanted: boolean): readonly BetView[] {
  const index = bets.findIndex((one) => one.id === bet.id);
  if (!isWanted) return index === -1 ? bets : bets.filter((one) => one.id !== bet.id);
  if (index !== -1) return bets.map((one) => (one.id === bet.id ? bet : one));
  const next = [...bets, bet];
  return next.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? 1 : -1)).slice(0, ROWS_MOST);
}

interface State {
  readonly bets: readonly BetView[];
  readonly next: string | null;
  readonly error: ApiError | null;
  readonly isFirst: boolean;
  readonly isBusy: boolean;
}

export class OwnBets {
  private readonly state = signal<State>({ bets: [], next: null, error: null, isFirst: true, isBusy: true });
  private readonly stream = new Stream();
  private readonly stops: (() => void)[] = [];
  private turn = 0;
  /** What was told since the reading under way began. */
  private told: BetView[] = [];

  constructor(
    private readonly wanted: Wanted,
    private readonly page = PAGE,
  ) {
    let isFirstLine = true;
    let hasBeat = false;
    this.stops.push(
      line.on("bet_updated", (message) => {
        if (this.stream.took(message.topicEpoch, message.topicSeq)) this.reload();
        this.take(message);
      }),
      line.on("heartbeat", (message) => {
        // The first one says where the stream stands: what came before it was told or is being read.
        if (this.stream.beat(message.topicEpoch, message.topics?.[TOPIC]) && hasBeat) this.reload();
        hasBeat = true;
      }),
      line.onOpen(() => {
        if (!isFirstLine) this.reload();
        isFirstLine = false;
      }),
    );
    this.reload();
  }

  /** As tables show it; reading it subscribes. */
  get list(): Listed<BetView> {
    const { bets, next, error, isFirst, isBusy } = this.state.value;
    return { rows: bets, error, isFirst, isBusy, hasMore: next !== null, more: () => this.more(), reload: () => this.reload() };
  }

  close(): void {
    this.turn += 1;
    for (const stop of this.stops) stop();
  }

  /** Take a bet as it is known to be now. */
  take(bet: BetView): void {
    const state = this.state.peek();
    if (state.isBusy) this.told.push(bet);
    this.state.value = { ...state, bets: withBet(state.bets, bet, this.isWanted(bet)) };
  }

  reload(): void {
    void this.read(undefined);
  }

  private more(): void {
    const { next, isBusy } = this.state.peek();
    if (next !== null && !isBusy) void this.read(next);
  }

  private isWanted(bet: BetView): boolean {
    const { statuses, market } = this.wanted;
    const isHere = market === null || bet.marketId === market || bet.slug === market;
    return isHere && (statuses.length === 0 || statuses.includes(bet.status));
  }

  private async read(cursor: string | undefined): Promise<void> {
    const turn = ++this.turn;
    this.told = [];
    this.state.value = { ...this.state.peek(), isBusy: true };
    const { statuses, market } = this.wanted;
    const query = { limit: this.page, cursor, status: statuses.length === 0 ? undefined : statuses.join(","), market: market ?? undefined };
    try {
      const answer = await rest.call("get", "/bets/me", { query });
      if (turn !== this.turn) return;
      const before = cursor === undefined ? [] : this.state.peek().bets;
      const known = new Set(before.map((one) => one.id));
      const read = [...before, ...answer.data.filter((one) => !known.has(one.id))].slice(0, ROWS_MOST);
      const bets = this.told.reduce<readonly BetView[]>((all, bet) => withBet(all, bet, this.isWanted(bet)), read);
      this.state.value = { bets, next: bets.length >= ROWS_MOST ? null : answer.nextCursor, error: null, isFirst: false, isBusy: false };
    } catch (thrown) {
      if (turn === this.turn) this.state.value = { ...this.state.peek(), error: asApiError(thrown), isFirst: false, isBusy: false };
    }
  }
}
