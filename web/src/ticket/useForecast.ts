// Asking the exchange what would come of the ticket, whenever it or the book changes, a few times a
// second at most.
//
// Laws: what is shown of an order was foreseen of that very order; a book that moves all the time keeps no answer away.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError, asApiError } from "@/api/errors";
import { rest, type DataOf } from "@/api/rest";
import type { OrderBody } from "@/api/schema";
import { line } from "@/feed/line";
import { cashOf } from "@/units/money";
import { forecastOf, type Forecast } from "./forecast";

type Preview = DataOf<"/orders/preview", "post">;
export type Foreseen =
  | { readonly state: "none" }
  | { readonly state: "asking" }
  /** `paysMost`: what the dearer order of a pair pays at most; alone, what the order does. */
  | { readonly state: "known"; readonly forecast: Forecast; readonly paysMost: bigint }
  /** `isAttached`: what is refused is what is attached to the order. */
  | { readonly state: "refused"; readonly error: ApiError; readonly isAttached: boolean };

/** What is attached to an order: further orders that must be taken too, or the other one of a pair. */
export interface Attachments {
  readonly orders: readonly OrderBody[];
  readonly isPair: boolean;
}
export const NO_ATTACHMENTS: Attachments = { orders: [], isPair: false };

const PAUSE_MS = 200;
const LOOKED_AT = "looked-at";

function askedOf(market: string, body: OrderBody, { orders, isPair }: Attachments) {
  const [other] = orders;
  if (other === undefined) return { market, ...body };
  const place = (order: OrderBody) => ({ op: "place" as const, ...order });
  // Of a pair each is looked at as if the other weren't there: they share what they lock.
  if (isPair) return { market, operations: [place(body), ...orders.flatMap((one) => [{ op: "cancel" as const, clientOrderId: LOOKED_AT }, place(one)])].map((one, index) => (index === 0 ? { ...one, clientOrderId: LOOKED_AT } : one)) };
  return { market, operations: [place(body), ...orders.map(place)] };
}

async function preview(market: string, body: OrderBody, attachments: Attachments): Promise<Preview> {
  const asked = askedOf(market, body, attachments);
  if (line.isOpen) return (await line.ask("order:preview", asked)) as Preview;
  return (await rest.call("post", "/orders/preview", { body: asked })).data;
}

/** Asks about one order at a time, and again while the book moves; what is told is of the order asked about last. */
export class Foreseer {
  private key: string | null = null;
  private body: OrderBody | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private isAsking = false;
  private isStale = false;
  /** Counts the orders asked about: an answer of an earlier one is dropped. */
  private order = 0;

  constructor(
    private readonly ask: (body: OrderBody) => Promise<Foreseen>,
    private readonly tell: (foreseen: Foreseen) => void,
  ) {}

  /** Ask about an order, or of the same one again because the book has moved. A question on its way is never given up for that. */
  want(key: string | null, body: OrderBody | null): void {
    if (key === this.key) {
      if (this.timer !== null || this.isAsking) this.isStale = this.isAsking;
      else if (body !== null) this.plan();
      return;
    }
    this.stop();
    this.key = key;
    this.body = body;
    this.tell(body === null ? { state: "none" } : { state: "asking" });
    if (body !== null) this.plan();
  }

  /** Forget the order and what was asked. */
  stop(): void {
    this.order += 1;
    this.isAsking = false;
    this.isStale = false;
    this.key = null;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private plan(): void {
    this.timer = setTimeout(() => void this.run(), PAUSE_MS);
  }

  private async run(): Promise<void> {
    const { order, body } = this;
    this.timer = null;
    if (body === null) return;
    this.isAsking = true;
    const foreseen = await this.ask(body).catch((thrown: unknown): Foreseen => ({ state: "refused", error: asApiError(thrown), isAttached: false }));
    if (order !== this.order) return;
    this.isAsking = false;
    this.tell(foreseen);
    if (this.isStale) this.plan();
    this.isStale = false;
  }
}

/** Foresee an order; `body` is null as long as there is none to ask about, `version` moves with the book. What is foreseen is never of another body. */
export function useForecast(market: string, body: OrderBody | null, version: unknown, attachments: Attachments = NO_ATTACHMENTS): Foreseen {
  const key = body === null ? null : `${market} ${JSON.stringify([body, attachments])}`;
  const attached = useRef(attachments);
  const known = useSignal<{ readonly key: string | null; readonly foreseen: Foreseen }>({ key: null, foreseen: { state: "none" } });
  const asked = useRef(key);
  const foreseer = useMemo(() => new Foreseer(async (one) => {
    const { current } = attached;
    return stateOf(await preview(market, one, current), current.isPair);
  }, (foreseen) => (known.value = { key: asked.current, foreseen })), [market]);
  useEffect(() => {
    asked.current = key;
    attached.current = attachments;
    foreseer.want(key, body);
  }, [foreseer, key, version]);
  useEffect(() => () => foreseer.stop(), [foreseer]);
  if (known.value.key === key) return known.value.foreseen;
  return { state: key === null ? "none" : "asking" };
}

/** What an answer foretells; of a pair both are looked at, each as if the other one were not there. */
export function stateOf(answer: Preview, isPair: boolean): Foreseen {
  const [first, ...others] = answer.results;
  const refused = first?.data === undefined ? first : others.find((one) => one.error !== undefined && !(isPair && one === others[0]));
  if (first?.data === undefined || refused !== undefined) {
    const error = refused?.error;
    return { state: "refused", error: new ApiError(error?.code ?? "BROKEN_ANSWER", error?.message ?? "", 0, error?.details ?? []), isAttached: refused !== first };
  }
  const forecast = forecastOf(first.data.order, first.data.trades, answer.balance);
  const other = others.at(-1)?.data;
  if (!isPair || other === undefined) return { state: "known", forecast, paysMost: forecast.pays };
  // The exchange has told what is available with the other one alone; both lock what the dearer one needs.
  const locked = cashOf(other.order.locked);
  // A trade of one ends the other.
  const isEnded = first.data.trades.length > 0;
  const pays = isEnded ? 0n : forecastOf(other.order, other.trades, answer.balance).pays;
  const dearer = isEnded || forecast.locked > locked ? forecast.locked : locked;
  return { state: "known", forecast: { ...forecast, locked: dearer, availableAfter: forecast.availableAfter + locked - dearer }, paysMost: pays > forecast.pays ? pays : forecast.pays };
}
