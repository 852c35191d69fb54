// The tape: the newest trades, larger ones alone if one likes.

import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Print } from "@/book/tape";
import { oncePerFrame } from "@/feed/frames";
import type { MarketFeed } from "@/feed/marketFeed";
import { rememberedNumber } from "@/shell/preferences";
import { formatQuantity } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { clock } from "@/units/time";
import { reachesBack, tapeUpTo } from "./pastTape";
import { t } from "./texts";

const SHOWN = 60;
/** A sequence that one stays at so long is read: those passed by on the way aren't. */
const STAYED_MS = 250;
const SIZES = [0, 10, 50, 100, 500] as const;
const minimum = rememberedNumber("tape.minimum", 0, 1e6, 0);

/** `upTo` leaves out what came after a sequence of the past. */
export function TapePanel({ market, feed, tick, upTo }: { market: string; feed: MarketFeed; tick: number; upTo: number | null }) {
  /** Null until it is known. */
  const prints = useSignal<readonly Print[] | null>([]);
  const older = useOlder(market, feed, upTo);
  const least = (minimum.value ?? 0) * 100;
  useEffect(() => {
    const show = oncePerFrame(() => {
      const all = upTo === null || reachesBack(feed.tape.prints, upTo, SHOWN) ? feed.tape.prints : older;
      prints.value = all?.filter((print) => print.quantity >= least && (upTo === null || print.seq <= upTo)).slice(0, SHOWN) ?? null;
    });
    show();
    const stop = feed.onTape(show);
    return () => {
      stop();
      show.stop();
    };
  }, [feed, least, upTo, older]);
  return (
    <section class="panel tape" aria-label={t("tape")}>
      <header>
        <h2>{t("tape")}</h2>
        <label class="row quiet">
          {t("minimum")}
          <select class="bare-select" value={minimum.value ?? 0} onChange={(event) => (minimum.value = Number(event.currentTarget.value))}>
            {SIZES.map((size) => <option key={size} value={size}>{size}</option>)}
          </select>
        </label>
      </header>
      <div class="scroll" tabIndex={0} role="group" aria-label={t("tape")}>
        <table class="prints">
          <thead class="visually-hidden"><tr><th>{t("price")}</th><th>{t("shares")}</th><th>{t("time")}</th></tr></thead>
          <tbody>
            {prints.value?.map((print) => (
              <tr key={print.id} data-trade={print.tradeNo}>
                <td class={print.isUp === null ? "" : print.isUp ? "up" : "down"}>{print.isUp === null ? "·" : print.isUp ? "▲" : "▼"} {shownPrice(print.price, tick)}</td>
                <td class="num">{formatQuantity(print.quantity)}</td>
                <td class="num quiet">{clock(print.at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {(prints.value ?? []).length === 0 && <p class="empty">{prints.value === null ? "…" : t("noTrades")}</p>}
      </div>
    </section>
  );
}

/** What the exchange has of the tape of a moment that the kept one doesn't reach; null until it has come. */
function useOlder(market: string, feed: MarketFeed, upTo: number | null): readonly Print[] | null {
  const [found, setFound] = useState<{ upTo: number; prints: readonly Print[] } | null>(null);
  useEffect(() => {
    if (upTo === null || reachesBack(feed.tape.prints, upTo, SHOWN)) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => void tapeUpTo(market, upTo, stop.signal).then((prints) => !stop.signal.aborted && setFound({ upTo, prints }), () => undefined), STAYED_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [market, feed, upTo]);
  return found?.upTo === upTo ? found.prints : null;
}
