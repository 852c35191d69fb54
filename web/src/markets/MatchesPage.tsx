// The same question on several platforms, and how far their prices are apart.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { MatchView } from "@/api/schema";
import { priceOf } from "@/units/money";
import { shownDifference, shownPrice } from "@/units/prices";
import "./markets.css";
import { t } from "./texts";

const PAGE = 100;

export default function MatchesPage() {
  const matches = useSignal<readonly MatchView[] | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    rest.call("get", "/matches", { query: { limit: PAGE } }).then(
      (answer) => (matches.value = answer.data),
      (thrown: unknown) => (problem.value = asApiError(thrown).message),
    );
  }, []);
  return (
    <div class="page stack">
      <h1>{t("matches")}</h1>
      {problem.value !== null && <p role="alert" class="problem">{problem.value}</p>}
      {matches.value?.length === 0 && <p class="panel empty">{t("noMatches")}</p>}
      {matches.value?.map((match) => (
        <section key={match.id} class="panel scroll">
          <table class="table">
            <thead><tr><th>{t("platform")}</th><th>{t("question")}</th><th class="num">{t("bid")}</th><th class="num">{t("ask")}</th><th class="num">{t("difference")}</th></tr></thead>
            <tbody>
              {match.markets.map((market, index) => (
                <tr key={market.marketId}>
                  <td><b>{market.platform}</b></td>
                  <td><a href={`/trade/${encodeURIComponent(market.marketId)}`}>{market.question ?? market.externalId}</a></td>
                  <td class="num up">{market.bestBid === null ? "–" : shownPrice(priceOf(market.bestBid) ?? 0)}</td>
                  <td class="num down">{market.bestAsk === null ? "–" : shownPrice(priceOf(market.bestAsk) ?? 0)}</td>
                  <td class="num">{index === 0 && match.priceDifference !== null ? shownDifference(priceOf(match.priceDifference) ?? 0) : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </div>
  );
}
