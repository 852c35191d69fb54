// Finding a market by words, of any platform, to run on.

import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { rest } from "@/api/rest";
import type { ListedMarketView } from "@/api/schema";
import { TextField } from "@/parts/Form";
import { withMarket } from "./asked";
import { t } from "./texts";

const TYPED_MS = 250;
const FOUND_MOST = 6;
const LEAST = 2;

/** By which name a backtest takes it. */
function nameOf(market: ListedMarketView): string {
  return market.id.includes(":") ? market.id : (market.slug ?? market.id);
}

export function FindMarket({ markets }: { markets: Signal<string> }) {
  const words = useSignal("");
  const found = useSignal<readonly ListedMarketView[] | null>(null);
  const asked = words.value.trim();
  useEffect(() => {
    if (asked.length < LEAST) {
      found.value = null;
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      // What can't be found can still be named.
      rest.call("get", "/markets/search", { query: { q: asked, platform: "all", limit: FOUND_MOST }, signal: stop.signal }).then((answer) => (found.value = answer.data), () => undefined);
    }, TYPED_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [asked]);
  const take = (market: ListedMarketView) => {
    markets.value = withMarket(markets.peek(), nameOf(market));
    words.value = "";
  };
  return (
    <div class="stack find">
      <TextField label={t("find")} name="find" value={words} hint={t("findHint")} autocomplete="off" />
      {found.value !== null && (
        <ul class="found" aria-label={t("foundMarkets")}>
          {found.value.length === 0 && <li class="quiet small">{t("foundNone")}</li>}
          {found.value.map((market) => (
            <li key={market.id}><button type="button" class="button" data-take={market.id} onClick={() => take(market)}><span>{market.question}</span> <small class="quiet">{market.platform}</small></button></li>
          ))}
        </ul>
      )}
    </div>
  );
}
