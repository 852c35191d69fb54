// All that changed what one has, newest first, by type and time; the whole of it as a table that the exchange makes.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { TransactionType, TransactionView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { saveFile } from "@/parts/csv";
import { Choice, Problem, TextField, useSending } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { t as parts } from "@/parts/texts";
import { moment, momentOf } from "@/units/time";
import { cashOf, formatCash } from "@/units/money";
import { Cash, MarketLink } from "./figures";
import { TYPES, t, typeName } from "./transactionTexts";

const PAGE = 50;

interface Wanted {
  readonly type: TransactionType | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What was typed as a moment, as the exchange takes it; undefined for what is none. */
function iso(typed: string): string | undefined {
  const moment = momentOf(typed);
  return typed === "" || Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

/** What one has more or less by a movement, to the last decimal: the balances beside it add up. */
function Amount({ of }: { of: string }) {
  const cash = cashOf(of);
  return <span class={cash > 0n ? "up" : cash < 0n ? "down" : ""}>{cash > 0n ? "+" : ""}{formatCash(cash, true)}</span>;
}

export function Transactions() {
  const type = useSignal<TransactionType | "">("");
  const from = useSignal("");
  const to = useSignal("");
  const { problem, isBusy, run } = useSending();
  const wanted: Wanted = { type: type.value === "" ? undefined : type.value, from: iso(from.value), to: iso(to.value) };
  const list = useListed<TransactionView>((cursor, signal) => rest.call("get", "/transactions/me", { query: { ...wanted, cursor, limit: PAGE }, signal }), [type.value, wanted.from, wanted.to]);
  const save = async () => saveFile("probity-transactions.csv", await rest.file("/transactions/me/export", { query: { ...wanted } }));
  return (
    <Panel
      title={t("transactions")}
      isPlain
      actions={<button type="button" class="button small" data-csv disabled={isBusy.value} title={t("csvAll")} aria-label={`${parts("csvOf")}: ${t("transactions")}`} onClick={() => void run(save)}>{parts("csv")}</button>}
    >
      <div class="filters">
        <Choice label={t("type")} name="type" value={type} choices={[["", t("allTypes")], ...TYPES.map((one) => [one, typeName(one)] as const)]} />
        <TextField label={t("from")} name="from" type="datetime-local" value={from} />
        <TextField label={t("to")} name="to" type="datetime-local" value={to} />
      </div>
      {problem.value !== null && <div class="body"><Problem problem={problem.value} /></div>}
      <ListTable
        caption={t("transactions")}
        list={list}
        empty={list.hasMore ? t("noneYet") : t("none")}
        keyOf={(row) => row.id}
        columns={[
          { title: t("time"), cell: (row) => moment(row.createdAt) },
          { title: t("type"), cell: (row) => typeName(row.type) },
          { title: t("about"), cell: (row) => (row.slug === null ? (row.reason ?? "–") : <MarketLink slug={row.slug} />) },
          { title: t("amount"), cell: (row) => <Amount of={row.amount} />, isNumber: true },
          { title: t("after"), cell: (row) => <Cash of={row.balanceAfter} isExact />, isNumber: true },
          { title: t("available"), cell: (row) => <Cash of={row.availableAfter} isExact />, isNumber: true, isExtra: true },
          { title: t("reference"), cell: (row) => <span class="mono">{row.reference ?? "–"}</span>, isExtra: true },
        ]}
      />
    </Panel>
  );
}
