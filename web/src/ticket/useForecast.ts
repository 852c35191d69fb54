// Asking the exchange what would come of the ticket, whenever it or the book changes, a few times a
// second at most.

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, asApiError } from "@/api/errors";
import { rest, type DataOf } from "@/api/rest";
import type { OrderBody } from "@/api/schema";
import { line } from "@/feed/line";
import { forecastOf, type Forecast } from "./forecast";

type Preview = DataOf<"/orders/preview", "post">;
export type Foreseen =
  | { readonly state: "none" }
  | { readonly state: "asking" }
  | { readonly state: "known"; readonly forecast: Forecast }
  | { readonly state: "refused"; readonly error: ApiError };

const PAUSE_MS = 200;

async function preview(market: string, body: OrderBody): Promise<Preview> {
  const asked = { market, ...body };
  if (line.isOpen) return (await line.ask("order:preview", asked)) as Preview;
  return (await rest.call("post", "/orders/preview", { body: asked })).data;
}

/** Foresee an order; `body` is null as long as there is none to ask about, `version` moves with the book. */
export function useForecast(market: string, body: OrderBody | null, version: unknown): ReadonlySignal<Foreseen> {
  const foreseen = useSignal<Foreseen>({ state: "none" });
  const key = body === null ? null : JSON.stringify(body);
  useEffect(() => {
    if (body === null) {
      foreseen.value = { state: "none" };
      return undefined;
    }
    let isOver = false;
    if (foreseen.peek().state === "none") foreseen.value = { state: "asking" };
    const timer = setTimeout(() => {
      preview(market, body).then(
        (answer) => !isOver && (foreseen.value = stateOf(answer)),
        (thrown: unknown) => !isOver && (foreseen.value = { state: "refused", error: asApiError(thrown) }),
      );
    }, PAUSE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [market, key, version]);
  return foreseen;
}

function stateOf(answer: Preview): Foreseen {
  const result = answer.results[0];
  if (result?.data !== undefined) {
    return { state: "known", forecast: forecastOf(result.data.order, result.data.trades, answer.balance) };
  }
  const error = result?.error;
  return { state: "refused", error: new ApiError(error?.code ?? "BROKEN_ANSWER", error?.message ?? "", 0, error?.details ?? []) };
}
