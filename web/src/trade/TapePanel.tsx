// The tape: the newest trades, larger ones alone if one likes.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Print } from "@/book/tape";
import { oncePerFrame } from "@/feed/frames";
import type { MarketFeed } from "@/feed/marketFeed";
import { rememberedNumber } from "@/shell/preferences";
import { formatPrice, formatQuantity } from "@/units/money";
import { clock } from "@/units/time";
import { t } from "./texts";

const SHOWN = 60;
const SIZES = [0, 10, 50, 100, 500] as const;
const minimum = rememberedNumber("tape.minimum", 0, 1e6, 0);

/** `upTo` leaves out what came after a sequence of the past. */
export function TapePanel({ feed, tick, upTo }: { feed: MarketFeed; tick: number; upTo: number | null }) {
  const prints = useSignal<readonly Print[]>([]);
  const least = (minimum.value ?? 0) * 100;
  useEffect(() => {
    const show = oncePerFrame(() => (prints.value = feed.tape.prints.filter((print) => print.quantity >= least && (upTo === null || print.seq <= upTo)).slice(0, SHOWN)));
    show();
    const stop = feed.onTape(show);
    return () => {
      stop();
      show.stop();
    };
  }, [feed, least, upTo]);
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
            {prints.value.map((print) => (
              <tr key={print.id} data-trade={print.tradeNo}>
                <td class={print.isUp === null ? "" : print.isUp ? "up" : "down"}>{print.isUp === null ? "·" : print.isUp ? "▲" : "▼"} {formatPrice(print.price, tick)}</td>
                <td class="num">{formatQuantity(print.quantity)}</td>
                <td class="num quiet">{clock(print.at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {prints.value.length === 0 && <p class="empty">{t("noTrades")}</p>}
      </div>
    </section>
  );
}
