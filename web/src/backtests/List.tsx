// One's own backtests, newest first, as they stand; two that are done can be laid beside each other.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { BacktestView } from "@/api/schema";
import { useTold } from "@/feed/topics";
import { ListTable, Panel } from "@/parts/DataTable";
import { useListed } from "@/parts/loading";
import { query, setQuery } from "@/shell/router";
import { moment } from "@/units/time";
import { removed } from "./BacktestPart";
import { strategies, strategyOf } from "./strategies";
import { t } from "./texts";
import { asTold, otherwiseText, Status, strategyTitle, tapeText } from "./words";

const PAGE = 50;
const EVERY_MS = 10_000;
const BESIDE = 2;

export function List() {
  const strategy = strategyOf(query.value.get("strategy") ?? "")?.name;
  const list = useListed((cursor, signal) => rest.call("get", "/backtests", { query: { cursor, limit: PAGE, strategy }, signal }), [strategy], EVERY_MS);
  const told = useTold("backtest_updated", list.rows, list.reload, (run) => strategy === undefined || run.strategy === strategy);
  const chosen = useSignal<readonly string[]>([]);
  const choose = (id: string, isChosen: boolean) => {
    const others = chosen.peek().filter((one) => one !== id);
    // A third one takes the place of the first.
    chosen.value = isChosen ? [...others, id].slice(-BESIDE) : others;
  };
  const remove = async (id: string) => {
    if (!(await removed(id))) return;
    choose(id, false);
    list.reload();
  };
  const rows = list.rows.map((run) => asTold(run, told.get(run.id)));
  const [first, second] = chosen.value;
  return (
    <>
      <h1>{t("backtests")}</h1>
      <div class="stack">
        <p class="quiet intro">{t("intro")}</p>
        <Panel title={t("yours")} isPlain actions={<a class="button small primary" href="/backtests/new">{t("new")}</a>}>
          <div class="filters">
            <div class="field">
              <label class="label" for="which-strategy">{t("strategy")}</label>
              <select id="which-strategy" class="input" value={strategy ?? ""} onChange={(event) => setQuery("strategy", event.currentTarget.value)}>
                <option value="">{t("allStrategies")}</option>
                {strategies.value.map((one) => <option key={one.name} value={one.name}>{t(one.name)}</option>)}
              </select>
            </div>
            <p class="beside-hint quiet small">{first !== undefined && second !== undefined ? <a class="button small" data-compare href={`/backtests/compare?first=${first}&second=${second}`}>{t("compareThem")}</a> : t("compareHow")}</p>
          </div>
          <ListTable<BacktestView>
            caption={t("yours")}
            list={{ ...list, rows }}
            empty={<>{t("none")} <a href="/backtests/new">{t("new")}</a></>}
            keyOf={(run) => run.id}
            columns={[
              { title: t("strategy"), cell: (run) => <a href={`/backtests/${run.id}`} data-run={run.id}><strong>{strategyTitle(run.strategy)}</strong> <span class="quiet">#{run.id}</span></a> },
              { title: t("on"), cell: (run) => tapeText(run) },
              { title: t("otherwise"), cell: (run) => otherwiseText(run) || <span class="quiet">{t("declared")}</span> },
              { title: t("status"), cell: (run) => <Status of={run} /> },
              { title: t("askedAt"), cell: (run) => moment(run.createdAt), isExtra: true },
              {
                title: "",
                cell: (run) => (
                  <span class="row actions">
                    {run.status === "DONE" && <label class="check small"><input type="checkbox" checked={chosen.value.includes(run.id)} onChange={(event) => choose(run.id, event.currentTarget.checked)} aria-label={t("compareOf", { run: nameOf(run) })} /> {t("compare")}</label>}
                    <button class="button small danger" aria-label={t("removeOf", { run: nameOf(run) })} onClick={() => void remove(run.id)}>{t("remove")}</button>
                  </span>
                ),
              },
            ]}
          />
        </Panel>
      </div>
    </>
  );
}

function nameOf(run: BacktestView): string {
  return `${strategyTitle(run.strategy)} #${run.id}, ${tapeText(run)}`;
}
