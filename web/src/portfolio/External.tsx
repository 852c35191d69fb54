// Records of what is held here and elsewhere; none of it is money.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import { ListTable, Panel } from "@/parts/DataTable";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { Cash, Gain } from "./figures";
import { t } from "./texts";

const PAGE = 50;

export function External() {
  const list = useListed((cursor, signal) => rest.call("get", "/portfolios", { query: { cursor, limit: PAGE }, signal }), []);
  const name = useSignal("");
  const { problem, isBusy, on } = useSending();
  const make = async () => {
    await rest.call("post", "/portfolios", { body: { name: name.value.trim() } });
    name.value = "";
    list.reload();
  };
  return (
    <div class="stack">
      <Panel title={t("external")} isPlain>
        <ListTable
          caption={t("external")}
          list={list}
          empty={t("noExternal")}
          keyOf={(portfolio) => portfolio.id}
          columns={[
            { title: t("name"), cell: (portfolio) => portfolio.name },
            { title: t("open"), cell: (portfolio) => portfolio.openPositions, isNumber: true },
            { title: t("cost"), cell: (portfolio) => <Cash of={portfolio.cost} />, isNumber: true },
            { title: t("value"), cell: (portfolio) => <Cash of={portfolio.value} />, isNumber: true },
            { title: t("unrealised"), cell: (portfolio) => <Gain of={portfolio.unrealizedPnl} />, isNumber: true },
            { title: t("total"), cell: (portfolio) => <Gain of={portfolio.totalPnl} />, isNumber: true },
          ]}
        />
      </Panel>
      <Panel title={t("newPortfolio")}>
        <form class="stack narrow" onSubmit={on(make)}>
          <TextField label={t("name")} name="name" value={name} problem={problem.value} isRequired autocomplete="off" />
          <Problem problem={problem.value} fields={["name"]} />
          <div><button class="button" disabled={isBusy.value}>{t("make")}</button></div>
        </form>
      </Panel>
    </div>
  );
}
