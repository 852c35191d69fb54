// Where alerts are sent, and what became of each sending. A secret is shown once.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { NewWebhookView, WebhookView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { isSure, opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { Secret } from "@/parts/Secret";
import { notify, notifyError } from "@/shell/notices";
import { moment } from "@/units/time";
import { t } from "./texts";

export function Webhooks() {
  const list = useListed((cursor, signal) => rest.call("get", "/alerts/webhooks", { query: { cursor, limit: 50 }, signal }), []);
  const create = async () => {
    await opened(t("newWebhook"), (end) => <NewWebhook onDone={() => end(null)} />);
    list.reload();
  };
  const change = async (hook: WebhookView) => {
    await rest.call("patch", "/alerts/webhooks/{id}", { path: { id: hook.id }, body: { active: !hook.active } }).catch(notifyError);
    list.reload();
  };
  const remove = async (hook: WebhookView) => {
    if (!(await isSure({ title: t("removeHook"), text: t("removeHookWhy"), action: t("remove"), isDangerous: true }))) return;
    await rest.call("delete", "/alerts/webhooks/{id}", { path: { id: hook.id } }).catch(notifyError);
    list.reload();
  };
  const tryOut = async (hook: WebhookView) => {
    try {
      await rest.call("post", "/alerts/webhooks/{id}/test", { path: { id: hook.id } });
      notify("good", t("tested"));
    } catch (error) {
      notifyError(error);
    }
  };
  const look = (hook: WebhookView) => void opened(t("log"), () => <Deliveries hook={hook} />);
  return (
    <div class="stack">
    <p class="quiet">{t("webhooksWhy")}</p>
    <Panel title={t("webhooks")} isPlain actions={<button class="button small primary" onClick={() => void create()}>{t("newWebhook")}</button>}>
      <ListTable
        caption={t("webhooks")}
        list={list}
        empty={t("noWebhooks")}
        keyOf={(hook) => hook.id}
        columns={[
          { title: t("url"), cell: (hook) => <span class="mono wrap">{hook.url}</span> },
          { title: t("state"), cell: (hook) => <span class={`badge ${hook.active ? "" : "warn"}`}>{hook.active ? t("active") : t("disabled")}{hook.failures > 0 && ` · ${t("failures", { count: hook.failures })}`}</span> },
          { title: t("lastSuccess"), cell: (hook) => (hook.lastSuccessAt === null ? t("never") : moment(hook.lastSuccessAt)), isExtra: true },
          {
            title: "",
            cell: (hook) => (
              <span class="row actions">
                <button class="button small" aria-label={`${t("log")}: ${hook.url}`} onClick={() => look(hook)}>{t("log")}</button>
                {hook.active && <button class="button small" aria-label={`${t("test")}: ${hook.url}`} onClick={() => void tryOut(hook)}>{t("test")}</button>}
                <button class="button small" aria-label={`${hook.active ? t("disable") : t("enable")}: ${hook.url}`} onClick={() => void change(hook)}>{hook.active ? t("disable") : t("enable")}</button>
                <button class="button small danger" aria-label={`${t("remove")}: ${hook.url}`} onClick={() => void remove(hook)}>{t("remove")}</button>
              </span>
            ),
          },
        ]}
      />
    </Panel>
    </div>
  );
}

function NewWebhook({ onDone }: { onDone: () => void }) {
  const url = useSignal("https://");
  const made = useSignal<NewWebhookView | null>(null);
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    made.value = (await rest.call("post", "/alerts/webhooks", { body: { url: url.value.trim() } })).data;
  };
  if (made.value !== null) {
    return (
      <div class="stack">
        <p class="note" role="status">{t("secretOnce")}</p>
        <Secret label={t("secret")} value={made.value.secret} />
        <div class="row actions"><button class="button primary" onClick={onDone}>{t("haveIt")}</button></div>
      </div>
    );
  }
  return (
    <form class="stack narrow" onSubmit={on(send)}>
      <TextField label={t("url")} name="url" type="url" value={url} problem={problem.value} isRequired hint={t("urlHint")} autocomplete="off" />
      <Problem problem={problem.value} fields={["url"]} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("make")}</button></div>
    </form>
  );
}

function Deliveries({ hook }: { hook: WebhookView }) {
  const list = useListed((cursor, signal) => rest.call("get", "/alerts/webhooks/{id}/deliveries", { path: { id: hook.id }, query: { cursor, limit: 20 }, signal }), [hook.id]);
  return (
    <ListTable
      caption={t("log")}
      list={list}
      empty={t("noLog")}
      keyOf={(delivery) => delivery.id}
      columns={[
        { title: t("time"), cell: (delivery) => moment(delivery.createdAt) },
        { title: t("state"), cell: (delivery) => <span class={`badge ${delivery.status === "FAILED" ? "warn" : ""}`}>{t(delivery.status as "PENDING" | "DELIVERED" | "FAILED")}</span> },
        { title: t("tries"), cell: (delivery) => delivery.tries, isNumber: true },
        { title: t("answered"), cell: (delivery) => delivery.answered ?? "–", isNumber: true },
        { title: t("error"), cell: (delivery) => delivery.error ?? "–" },
      ]}
    />
  );
}
