// Every error that a call or an event can be answered with, as the exchange itself lists them.

import { useState } from "preact/hooks";
import { rest } from "@/api/rest";
import type { ErrorView } from "@/api/schema";
import { Failed, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { t } from "./texts";

export function Errors() {
  const [asked, setAsked] = useState("");
  const { data, error, reload } = useLoaded(async (signal) => (await rest.call("get", "/errors", { signal })).data.errors, []);
  const rows = data?.filter((one) => says(one, asked)) ?? [];
  return (
    <div class="stack">
      <p class="quiet">{t("errorsWhy")}</p>
      <section class="panel">
        <div class="filters">
          <label class="field">
            <span>{t("find")}</span>
            <input class="input" type="search" value={asked} onInput={(event) => setAsked(event.currentTarget.value)} />
          </label>
        </div>
        {error !== null && <Failed error={error} reload={reload} />}
        {data === null && error === null && <Waiting />}
        {data !== null && rows.length === 0 && <p class="empty">{t("noErrors")}</p>}
        {rows.length > 0 && <Table rows={rows} />}
      </section>
    </div>
  );
}

/** Whether an error has all the words asked for, in any order. */
export function says(one: ErrorView, asked: string): boolean {
  const text = `${one.code} ${one.reason ?? ""} ${one.number ?? ""} ${one.status} ${one.meaning} ${one.action}`.toLowerCase();
  return asked.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function Table({ rows }: { rows: readonly ErrorView[] }) {
  return (
    <table class="table cards errors">
      <thead>
        <tr>
          <th scope="col">{t("code")}</th>
          <th scope="col">{t("status")}</th>
          <th scope="col">{t("number")}</th>
          <th scope="col">{t("kind")}</th>
          <th scope="col">{t("meaning")}</th>
          <th scope="col">{t("action")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((one) => (
          <tr key={`${one.code} ${one.status} ${one.number ?? ""}`} data-error={one.code}>
            <td class="mono" data-label={t("code")}><span>{one.code}{one.reason !== null && one.reason !== one.code && <small class="quiet"> {one.reason}</small>}</span></td>
            <td data-label={t("status")}>{one.status}</td>
            <td data-label={t("number")}>{one.number ?? "–"}</td>
            <td data-label={t("kind")}><span class={one.transient ? "badge warn" : "badge"}>{t(one.transient ? "transient" : "final")}</span></td>
            <td data-label={t("meaning")}>{one.meaning}</td>
            <td data-label={t("action")}>{one.action}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
