// The list of markets as the exchange answers it, page by page as one scrolls, and their live prices.
//
// Laws: only the newest question counts: an answer to an older one is dropped. Of what is seen the
// ticker is followed; what other venues tell is read again every half minute. Markets that are wanted by name
// and aren't among those read are read one by one, a bounded number, and change like the others.

import { signal } from "@preact/signals";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { ListedMarketView } from "@/api/schema";
import { line } from "@/feed/line";

export interface Asked {
  readonly search: string;
  readonly category: string;
  readonly platform: string;
  readonly status: string;
  readonly sort: string;
}

const PAGE = 100;
const FOLLOWED_MOST = 40;
const REREAD_MS = 30_000;
/** Of those wanted by name: how many are read at most, and how many at a time. */
const SOUGHT_MOST = 100;
const SOUGHT_AT_ONCE = 4;

export class MarketList {
  readonly markets = signal<readonly ListedMarketView[]>([]);
  /** Those that were wanted by name, by their ids; null for what is on its way or isn't there. */
  readonly sought = signal<ReadonlyMap<string, ListedMarketView | null>>(new Map());
  readonly total = signal<number | null>(null);
  readonly problem = signal<string | null>(null);
  readonly isLoading = signal(true);
  private asked: Asked | null = null;
  private cursor: string | null = null;
  private generation = 0;
  private isReading = false;
  private isClosed = false;
  private readonly followed = new Set<string>();
  private readonly stops: (() => void)[] = [];

  constructor() {
    const timer = setInterval(() => document.visibilityState === "visible" && this.markets.peek().length <= PAGE && this.asked !== null && void this.read(this.asked, true), REREAD_MS);
    this.stops.push(
      () => clearInterval(timer),
      line.on("ticker_updated", (ticker) => {
        const { bestBid, bestAsk, lastPrice } = ticker;
        this.change(ticker.marketId, { bestBid, bestAsk, lastPrice, volume24h: ticker.volume24h, yesPrice: middleOf(bestBid, bestAsk) ?? lastPrice });
      }),
      line.onOpen(() => {
        const again = [...this.followed];
        this.followed.clear();
        this.follow(again);
      }),
    );
  }

  close(): void {
    this.isClosed = true;
    for (const stop of this.stops) stop();
    for (const id of this.followed) this.leave(id);
  }

  /** Ask for another list. */
  async ask(asked: Asked): Promise<void> {
    this.asked = asked;
    await this.read(asked, false);
  }

  private async read(asked: Asked, isAgain: boolean): Promise<void> {
    const mine = ++this.generation;
    if (!isAgain) this.isLoading.value = true;
    try {
      const answer = await rest.call("get", "/markets", { query: this.query(asked) });
      if (mine !== this.generation) return;
      this.markets.value = answer.data;
      this.total.value = answer.pagination.total;
      this.cursor = answer.nextCursor;
      this.problem.value = null;
    } catch (thrown) {
      if (mine === this.generation && !isAgain) this.problem.value = asApiError(thrown).message;
    } finally {
      if (mine === this.generation) this.isLoading.value = false;
    }
  }

  private query(asked: Asked) {
    const given = (text: string) => (text === "" ? undefined : text);
    return { limit: PAGE, search: given(asked.search), category: given(asked.category), platform: asked.platform || "all", status: given(asked.status), sort: given(asked.sort) };
  }

  /** Read the next page, if there is one and none is on its way. */
  async more(): Promise<void> {
    if (this.cursor === null || this.isReading || this.asked === null) return;
    this.isReading = true;
    const mine = this.generation;
    try {
      const answer = await rest.call("get", "/markets", { query: { ...this.query(this.asked), cursor: this.cursor } });
      if (mine !== this.generation) return;
      const known = new Set(this.markets.peek().map((market) => market.id));
      this.markets.value = [...this.markets.peek(), ...answer.data.filter((market) => !known.has(market.id))];
      this.cursor = answer.nextCursor;
    } catch {
      // Scrolling on asks again.
    } finally {
      this.isReading = false;
    }
  }

  /** Read the markets of these ids that aren't among those read, and weren't asked for before. */
  async seek(ids: readonly string[]): Promise<void> {
    const read = new Set(this.markets.peek().map((market) => market.id));
    const known = this.sought.peek();
    const missing = ids.filter((id) => !read.has(id) && !known.has(id)).slice(0, SOUGHT_MOST - known.size);
    if (missing.length === 0) return;
    this.sought.value = new Map([...known, ...missing.map((id) => [id, null] as const)]);
    const next = async (): Promise<void> => {
      for (let id = missing.shift(); id !== undefined && !this.isClosed; id = missing.shift()) {
        // One that is gone, or that isn't told now, isn't shown.
        const found = await rest.call("get", "/markets/{slug}", { path: { slug: id } }).catch(() => null);
        if (found !== null) this.sought.value = new Map(this.sought.peek()).set(id, found.data);
      }
    };
    await Promise.all(Array.from({ length: SOUGHT_AT_ONCE }, next));
  }

  private change(id: string, part: Partial<ListedMarketView>): void {
    const named = this.sought.peek().get(id);
    if (named !== undefined && named !== null) this.sought.value = new Map(this.sought.peek()).set(id, { ...named, ...part });
    const all = this.markets.peek();
    const index = all.findIndex((market) => market.id === id);
    const old = all[index];
    if (old === undefined) return;
    const next = [...all];
    next[index] = { ...old, ...part };
    this.markets.value = next;
  }

  /** Follow the prices of those of our markets that are seen, and no others. */
  follow(ids: readonly string[]): void {
    const wanted = new Set(ids.filter((id) => !id.includes(":")).slice(0, FOLLOWED_MOST));
    for (const id of this.followed) if (!wanted.has(id)) this.leave(id);
    if (!line.isOpen) return;
    for (const id of wanted) {
      if (this.followed.has(id)) continue;
      this.followed.add(id);
      line.ask("subscribe:market", { market: id, channels: ["ticker"] }).catch(() => this.followed.delete(id));
    }
  }

  private leave(id: string): void {
    this.followed.delete(id);
    if (line.isOpen) line.ask("unsubscribe:market", { market: id, channels: ["ticker"] }).catch(() => undefined);
  }
}

/** The middle of two prices as the API writes it, null without both. */
export function middleOf(bid: string | null, ask: string | null): string | null {
  if (bid === null || ask === null) return null;
  const sum = BigInt(bid.replace(".", "")) + BigInt(ask.replace(".", ""));
  const text = (sum / 2n).toString().padStart(5, "0");
  return `${text.slice(0, -4)}.${text.slice(-4)}`;
}
