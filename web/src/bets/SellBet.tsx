// Selling a bet back, all of it or some: what it brings now, and never less than was shown.
//
// Laws: a sale goes out with the least that it was shown to bring, all of it or nothing; one whose answer
// was lost is asked for again under its id. Where not all finds a buyer, it is offered to sell what does.

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { asApiError, type ApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { BetView, SaleBody, SaleQuoteView, SaleView } from "@/api/schema";
import { useOwnId } from "@/parts/ownId";
import { opened } from "@/parts/Dialog";
import { Attempts } from "@/session/attempts";
import { notify } from "@/shell/notices";
import { play } from "@/shell/sounds";
import { cashOf, formatCash, formatGain, formatQuantity, parseQuantity, plainNumber, quantityOf, quantityText, typedQuantity } from "@/units/money";
import { useQuote } from "./quoting";
import { t } from "./texts";
import { saidOf } from "./words";

/** Show what a bet would bring, and sell it if its owner says so; resolves when that is over. */
export async function sellBet(bet: BetView, label: string): Promise<void> {
  const sale = await opened<SaleView>(t("sellBet"), (end) => <SellBet bet={bet} label={label} onSold={end} />);
  if (sale === null) return;
  notify("good", t("sold", { shares: formatQuantity(quantityOf(sale.sold)), proceeds: formatCash(cashOf(sale.proceeds)) }));
}

type Asked = Omit<SaleBody, "requestId">;

interface Props {
  readonly bet: BetView;
  readonly label: string;
  readonly onSold: (sale: SaleView) => void;
}

/** What a part of a bet's shares cost, fees included, to the nearest below. */
export function costOfPart(bet: Pick<BetView, "cost" | "fee" | "shares">, shares: number): bigint {
  const all = quantityOf(bet.shares);
  return all === 0 ? 0n : ((cashOf(bet.cost) + cashOf(bet.fee)) * BigInt(shares)) / BigInt(all);
}

function SellBet({ bet, label, onSold }: Props) {
  const id = useOwnId();
  const held = quantityOf(bet.openShares);
  const text = useSignal(typedQuantity(held));
  const problem = useSignal<ApiError | null>(null);
  const isBusy = useSignal(false);
  const attempts = useMemo(() => new Attempts<Asked>(`sale.${bet.id}`), []);
  const shares = parseQuantity(plainNumber(text.value));
  const isWhole = shares !== null && shares > 0 && shares <= held;
  const quoted = useQuote<SaleQuoteView>(isWhole ? String(shares) : null, 0, async (signal) => {
    const asked = parseQuantity(plainNumber(text.peek())) ?? held;
    const query = { shares: quantityText(asked) };
    return (await rest.call("get", "/bets/{id}/sell/quote", { path: { id: bet.id }, query, signal })).data;
  });
  const send = async (body: Asked) => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    problem.value = null;
    try {
      const { data } = await attempts.run(body, (attempt) => rest.call("post", "/bets/{id}/sell", { path: { id: bet.id }, body: { ...attempt.body, requestId: attempt.id } }));
      onSold(data);
    } catch (thrown) {
      problem.value = asApiError(thrown);
      play("refusal");
    } finally {
      isBusy.value = false;
    }
  };
  const open = attempts.open;
  const quote = quoted.state === "known" ? quoted.quote : null;
  const sold = quote === null ? 0 : quantityOf(quote.sold);
  const isAll = quote !== null && sold === shares;
  const error = problem.value ?? (quoted.state === "refused" ? quoted.error : null);
  const take = (typed: string) => {
    text.value = typed;
    problem.value = null;
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (quote !== null && isAll) void send({ shares: quantityText(sold), minProceeds: quote.minProceedsMax });
  };
  if (open !== null && !isBusy.value) {
    return (
      <div class="stack" role="alert" data-lost>
        <p><strong>{t("lost")}</strong></p>
        <p>{t("lostSale")}</p>
        <p class="row actions">
          <button type="button" class="button" onClick={() => attempts.forget(open)}>{t("leaveIt")}</button>
          <button type="button" class="button primary" onClick={() => void send(open.body)}>{t("askAgain")}</button>
        </p>
      </div>
    );
  }
  return (
    <form class="stack" onSubmit={submit}>
      <p>{t("sellWhat", { side: label, question: bet.question ?? bet.marketId })}</p>
      <div class="field">
        <label class="label" for={id}>{t("sellShares")} <span class="quiet">{t("sellOf", { shares: formatQuantity(held) })}</span></label>
        <div class="row nowrap">
          <input id={id} class="input" name="shares" inputMode="decimal" autocomplete="off" maxLength={14} aria-invalid={!isWhole} value={text.value} onInput={(event) => take(event.currentTarget.value)} />
          <button type="button" class="button" aria-pressed={shares === held} onClick={() => take(typedQuantity(held))}>{t("sellAll")}</button>
        </div>
        <span class="problem" role="alert">{isWhole ? "" : t("BET_SHARES")}</span>
      </div>
      <div class="outcome" aria-busy={quoted.state === "asking"} aria-live="polite">
        <p class="get"><span>{t("sellGet")}</span> <strong data-proceeds>{quote === null ? "–" : formatCash(cashOf(quote.proceeds))}</strong></p>
        {quote !== null && isAll && <p class="quiet small"><Compared gain={cashOf(quote.proceeds) - costOfPart(bet, sold)} /> {t("sellProfit")} · {t("sellLeast", { least: formatCash(cashOf(quote.minProceedsMax)) })}</p>}
        {quote !== null && !isAll && (
          <div class="note" role="alert">
            <p>{t("sellOnly", { sold: formatQuantity(sold) })}</p>
            <button type="button" class="button small" data-nearest onClick={() => take(typedQuantity(sold))}>{t("sellThat", { sold: formatQuantity(sold) })}</button>
          </div>
        )}
        {error !== null && <p class="problem" role="alert" data-refused={error.code}>{error.code === "NO_LIQUIDITY" ? t("sellNoPrice") : saidOf(error, null, null).text}</p>}
        {isWhole && shares < held && <p class="quiet small">{t("keepsRest")}</p>}
      </div>
      <button class="button primary big" data-sell disabled={!isAll || isBusy.value}>
        {isBusy.value ? `${t(open?.isLost === true ? "asksAgain" : "placing")} …` : t("sellNow", { proceeds: quote === null ? "…" : formatCash(cashOf(quote.proceeds)) })}
      </button>
    </form>
  );
}

function Compared({ gain }: { gain: bigint }) {
  return <strong class={gain > 0n ? "up" : gain < 0n ? "down" : ""}>{formatGain(gain)}</strong>;
}
