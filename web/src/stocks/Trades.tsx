// What happened to one's shares: trades, interest, and what the exchange sold; also as a file.

import { rest } from "@/api/rest";
import type { StockTransactionView } from "@/api/schema";
import { Gain } from "@/portfolio/figures";
import { HistoryPart } from "@/portfolio/History";
import { cashOf, formatGain, formatQuantity, parseQuantity } from "@/units/money";
import { moment } from "@/units/time";
import { StockPrice } from "./figures";
import { t } from "./texts";

interface Props {
  /** All stocks where it isn't given. */
  readonly symbol?: string;
  /** Read anew when it changes. */
  readonly turn?: string;
}

export function Trades({ symbol, turn = "" }: Props) {
  return (
    <HistoryPart<StockTransactionView>
      title={t("trades")}
      file={symbol === undefined ? "stocks" : `stocks-${symbol}`}
      load={(cursor, limit, signal) => rest.call("get", "/economy/transactions", { query: { cursor, limit, symbol }, ...(signal && { signal }) })}
      keys={[turn]}
      keyOf={(one) => one.id}
      names={["id", "symbol", "type", "shares", "amount", "loan", "price", "orderId", "reference", "createdAt"]}
      columns={[
        { title: t("time"), cell: (one) => moment(one.createdAt) },
        ...(symbol === undefined ? [{ title: t("stock"), cell: (one: StockTransactionView) => <a href={`/stocks/${one.symbol}`}>{one.symbol}</a> }] : []),
        { title: t("what"), cell: (one) => (one.type === "LIQUIDATION" ? <span class="badge warn">{t("LIQUIDATION")}</span> : t(one.type)) },
        { title: t("shares"), cell: (one) => signed(one.shares), isNumber: true },
        { title: t("cash"), cell: (one) => <Gain of={one.amount} />, isNumber: true },
        { title: t("loanChange"), cell: (one) => (cashOf(one.loan) === 0n ? "–" : formatGain(cashOf(one.loan))), isNumber: true },
        { title: t("priceThen"), cell: (one) => <StockPrice of={one.price} />, isNumber: true, isExtra: true },
      ]}
    />
  );
}

/** With its sign, and without a colour: neither more shares nor a loan is a gain. */
function signed(shares: string): string {
  const count = parseQuantity(shares) ?? 0;
  return `${count > 0 ? "+" : ""}${formatQuantity(count)}`;
}
