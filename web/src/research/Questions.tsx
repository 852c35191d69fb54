// One's own questions, newest first, as they stand; those on one market where it is looked at.

import { rest } from "@/api/rest";
import type { ResearchView } from "@/api/schema";
import { useTold } from "@/feed/topics";
import { ListTable } from "@/parts/DataTable";
import { useListed } from "@/parts/loading";
import { moment } from "@/units/time";
import { asTold, removed, Status } from "./Answer";
import { centsText } from "./content";
import { t } from "./texts";

const PAGE = 50;
const EVERY_MS = 15_000;

interface Props {
  readonly marketId?: string;
  /** Moves when there is something new. */
  readonly turn?: number;
  /** Where one is shown, unless at its own address. */
  readonly onShow?: (id: string) => void;
}

export function Questions({ marketId, turn = 0, onShow }: Props) {
  const list = useListed((cursor, signal) => rest.call("get", "/research", { query: { cursor, limit: PAGE, marketId }, signal }), [marketId, turn], EVERY_MS);
  const told = useTold("research_updated", list.rows, list.reload, (one) => marketId === undefined || one.marketId === marketId);
  const remove = async (id: string) => {
    if (await removed(id)) list.reload();
  };
  const title = t(marketId === undefined ? "yours" : "here");
  return (
    <ListTable<ResearchView>
      caption={title}
      list={{ ...list, rows: list.rows.map((one) => asTold(one, told.get(one.id))) }}
      empty={t(marketId === undefined ? "none" : "noneHere")}
      keyOf={(one) => one.id}
      columns={[
        { title: t("asked"), cell: (one) => (onShow === undefined ? <a class="asked" href={`/research/${one.id}`} data-asked={one.id}>{one.query}</a> : <button type="button" class="button bare asked" data-asked={one.id} onClick={() => onShow(one.id)}>{one.query}</button>) },
        ...(marketId === undefined ? [{ title: t("market"), cell: (one: ResearchView) => (one.marketId === null ? "–" : <a href={`/trade/${encodeURIComponent(one.marketId)}`}>{one.question ?? one.marketId}</a>), isExtra: true }] : []),
        { title: t("status"), cell: (one) => <Status of={one} /> },
        { title: t("cost"), cell: (one) => t("costs", { cost: centsText(one.cost) }), isNumber: true },
        { title: t("when"), cell: (one) => moment(one.createdAt), isExtra: true },
        { title: "", cell: (one) => <button type="button" class="button small danger" aria-label={t("removeOf", { question: one.query })} onClick={() => void remove(one.id)}>{t("remove")}</button> },
      ]}
    />
  );
}
