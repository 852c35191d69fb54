// Our markets, drafts included.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import { ListTable, Panel } from "@/parts/DataTable";
import { TextField } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { Cash, Shares } from "@/portfolio/figures";
import { moment } from "@/units/time";
import { t } from "./texts";

const PAGE = 50;

export function MarketsPart() {
  const word = useSignal("");
  const list = useListed((cursor, signal) => rest.call("get", "/markets", { query: { cursor, limit: PAGE, search: word.value.trim() || undefined }, signal }), [word.value.trim()]);
  return (
    <Panel title={t("markets")} isPlain actions={<a class="button small primary" href="/admin/create">{t("create")}</a>}>
      <div class="filters"><TextField label={t("search")} name="search" value={word} autocomplete="off" /></div>
      <ListTable
        caption={t("markets")}
        list={list}
        keyOf={(market) => market.id}
        columns={[
          { title: t("market"), cell: (market) => <a href={`/admin/markets/${encodeURIComponent(market.slug ?? market.id)}`}>{market.question}</a> },
          { title: t("status"), cell: (market) => <span class="badge">{market.status}</span> },
          { title: t("volume"), cell: (market) => <Cash of={market.volume} />, isNumber: true },
          { title: t("openInterest"), cell: (market) => <Shares of={market.openInterest} />, isNumber: true },
          { title: t("closeTime"), cell: (market) => (market.closeTime === null ? "–" : moment(market.closeTime)), isExtra: true },
        ]}
      />
    </Panel>
  );
}
