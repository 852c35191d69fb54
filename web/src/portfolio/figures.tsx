// How amounts look: numbers of the exchange, gains with a sign and an arrow as well as a colour.

import { cashOf, formatCash, formatGain, formatQuantity, priceOf, quantityOf } from "@/units/money";
import { shownPrice } from "@/units/prices";

export function Cash({ of, isExact = false }: { of: string | null; isExact?: boolean }) {
  return <>{of === null ? "–" : formatCash(cashOf(of), isExact)}</>;
}

export function Gain({ of }: { of: string | null }) {
  if (of === null) return <>–</>;
  const cash = cashOf(of);
  const [mark, tone] = cash > 0n ? ["▲ ", "up"] : cash < 0n ? ["▼ ", "down"] : ["", ""];
  return <span class={tone}><span aria-hidden="true">{mark}</span>{formatGain(cash)}</span>;
}

export function Price({ of }: { of: string | null }) {
  const price = priceOf(of);
  return <>{price === null ? "–" : shownPrice(price)}</>;
}

export function Shares({ of }: { of: string | null }) {
  return <>{of === null ? "–" : formatQuantity(quantityOf(of))}</>;
}

/** A side or an outcome, by a word and a colour. */
export function Word({ of }: { of: string }) {
  const tone = of === "BUY" || of === "YES" ? "up" : of === "SELL" || of === "NO" ? "down" : "";
  return <strong class={tone}>{of}</strong>;
}

export function MarketLink({ slug }: { slug: string }) {
  return <a class="cut" href={`/trade/${encodeURIComponent(slug)}`}>{slug}</a>;
}
