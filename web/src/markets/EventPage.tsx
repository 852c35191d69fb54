// One event with all its answers, what their chances sum up to, and its rules one click away.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { EventView } from "@/api/schema";
import type { PageProps } from "@/shell/routes";
import { useTitle } from "@/shell/title";
import { cashOf, formatChance, formatShort, priceOf } from "@/units/money";
import { shownPrice } from "@/units/prices";
import { moment } from "@/units/time";
import "./markets.css";
import { t } from "./texts";

export default function EventPage({ params }: PageProps) {
  const id = params["event"] ?? "";
  const event = useSignal<EventView | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    let isOver = false;
    rest.call("get", "/events/{id}", { path: { id } }).then(
      (answer) => !isOver && (event.value = answer.data),
      (thrown: unknown) => !isOver && (problem.value = asApiError(thrown).message),
    );
    return () => {
      isOver = true;
    };
  }, [id]);
  const shown = event.value;
  useTitle(shown?.title);
  if (problem.value !== null) return <div class="loading" role="alert">{problem.value}</div>;
  if (shown === null) return <div class="loading" aria-busy="true">…</div>;
  const markets = [...(shown.markets ?? [])].sort((a, b) => (priceOf(b.yesPrice) ?? 0) - (priceOf(a.yesPrice) ?? 0));
  const sum = markets.reduce((total, market) => total + (priceOf(market.yesPrice) ?? 0), 0);
  return (
    <div class="page stack">
      <h1>{shown.title}</h1>
      <p class="row quiet">
        <span class="badge">{shown.platform}</span> {shown.category} {shown.closeTime !== null && moment(shown.closeTime)}
        {shown.exclusive && <span>{t("exclusive")}</span>} <strong>{t("sum", { sum: formatChance(sum) })}</strong>
      </p>
      {shown.description !== "" && <details><summary>{t("rules")}</summary><p class="description">{shown.description}</p></details>}
      <div class="panel scroll">
        <table class="table">
          <thead><tr><th>{t("answers")}</th><th class="num">{t("chance")}</th><th class="num">{t("bid")}</th><th class="num">{t("ask")}</th><th class="num">{t("volume")}</th></tr></thead>
          <tbody>
            {markets.map((market) => (
              <tr key={market.id} data-market={market.id}>
                <td><a href={`/trade/${encodeURIComponent(market.id)}`}>{market.question}</a></td>
                <td class="num"><strong>{market.yesPrice === null || market.yesPrice === undefined ? "–" : formatChance(priceOf(market.yesPrice) ?? 0)}</strong></td>
                <td class="num up">{priceOrNone(market.bestBid)}</td>
                <td class="num down">{priceOrNone(market.bestAsk)}</td>
                <td class="num">{formatShort(cashOf(market.volumeTotal ?? market.volume24h))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function priceOrNone(text: string | null | undefined): string {
  const price = priceOf(text);
  return price === null ? "–" : shownPrice(price);
}
