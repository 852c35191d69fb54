// One's lists of markets to look at.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { WatchlistView } from "@/api/schema";
import { DataTable, Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { notifyError } from "@/shell/notices";
import { day } from "@/units/time";
import { Price } from "./figures";
import { t } from "./texts";

const MOST = 100;

export function Watchlists() {
  const lists = useLoaded((signal) => rest.call("get", "/watchlists", { query: { limit: MOST }, signal }), []);
  const name = useSignal("");
  const { problem, isBusy, on } = useSending();
  const make = async () => {
    await rest.call("post", "/watchlists", { body: { name: name.value.trim() } });
    name.value = "";
    lists.reload();
  };
  if (lists.isFirst) return <Waiting />;
  if (lists.data === null) return <Failed error={lists.error} reload={lists.reload} />;
  return (
    <div class="stack">
      {lists.data.data.length === 0 && <p class="quiet">{t("noLists")}</p>}
      {lists.data.data.map((list) => <Watched key={list.id} list={list} reload={lists.reload} />)}
      <Panel title={t("newList")}>
        <form class="stack narrow" onSubmit={on(make)}>
          <TextField label={t("listName")} name="name" value={name} problem={problem.value} isRequired autocomplete="off" />
          <Problem problem={problem.value} fields={["name"]} />
          <div><button class="button" disabled={isBusy.value}>{t("make")}</button></div>
        </form>
      </Panel>
    </div>
  );
}

function Watched({ list, reload }: { list: WatchlistView; reload: () => void }) {
  const whole = useLoaded((signal) => rest.call("get", "/watchlists/{id}", { path: { id: list.id }, signal }), [list.id]);
  const remove = async () => {
    if (!(await isSure({ title: t("removeList"), text: t("removeListWhy", { name: list.name }), action: t("remove"), isDangerous: true }))) return;
    await rest.call("delete", "/watchlists/{id}", { path: { id: list.id } }).catch(notifyError);
    reload();
  };
  const takeOff = async (itemId: string) => {
    await rest.call("delete", "/watchlists/{id}/items/{itemId}", { path: { id: list.id, itemId } }).catch(notifyError);
    whole.reload();
  };
  return (
    <Panel title={`${list.name} · ${t("watched", { count: whole.data?.data.items.length ?? list.itemCount })}`} isPlain actions={<button class="button small danger" aria-label={`${t("remove")}: ${list.name}`} onClick={() => void remove()}>{t("remove")}</button>}>
      <DataTable
        caption={list.name}
        rows={whole.data?.data.items ?? []}
        empty={t("noRows")}
        keyOf={(item) => item.id}
        columns={[
          { title: t("market"), cell: (item) => <a href={`/trade/${encodeURIComponent(item.slug ?? item.marketId)}`}>{item.question ?? item.externalId}</a> },
          { title: t("platform"), cell: (item) => item.platform, isExtra: true },
          { title: t("yesPrice"), cell: (item) => <><Price of={item.yesPrice} />{item.stale && <> <span class="badge warn">{t("stale")}</span></>}</>, isNumber: true },
          { title: t("status"), cell: (item) => item.status ?? "–" },
          { title: t("closes"), cell: (item) => (item.closeTime === null ? "–" : day(item.closeTime)), isExtra: true },
          { title: "", cell: (item) => <button class="button small" aria-label={`${t("remove")}: ${item.question ?? item.externalId}`} onClick={() => void takeOff(item.id)}>{t("remove")}</button> },
        ]}
      />
    </Panel>
  );
}
