// Keys for programs. The secret of a new one is shown this once.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { ApiKeyView, NewApiKeyBody, NewApiKeyView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { isSure, opened } from "@/parts/Dialog";
import { Check, Choice, Problem, TextField, useSending } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { Secret } from "@/parts/Secret";
import { notifyError } from "@/shell/notices";
import { day, moment, momentOf } from "@/units/time";
import { fresh } from "./proofs/fresh";
import { t } from "./accountTexts";

export function ApiKeys() {
  const list = useListed((cursor, signal) => rest.call("get", "/users/me/api-keys", { query: { cursor, limit: 50 }, signal }), []);
  const create = async () => {
    await opened(t("newKey"), (end) => <NewKey onDone={() => end(null)} />);
    list.reload();
  };
  const remove = async (key: ApiKeyView) => {
    if (!(await isSure({ title: t("removeKey"), text: t("removeKeyWhy", { label: key.label }), action: t("remove"), isDangerous: true }))) return;
    try {
      await fresh(() => rest.call("delete", "/users/me/api-keys/{id}", { path: { id: key.id } }));
      list.reload();
    } catch (error) {
      notifyError(error);
    }
  };
  return (
    <Panel title={t("keys")} isPlain actions={<button class="button small primary" onClick={() => void create()}>{t("newKey")}</button>}>
      <ListTable
        caption={t("keys")}
        list={list}
        empty={t("noKeys")}
        keyOf={(key) => key.id}
        columns={[
          { title: t("label"), cell: (key) => key.label },
          { title: t("key"), cell: (key) => <span class="mono">{key.apiKey}</span> },
          { title: t("scopes"), cell: (key) => key.scopes.map((scope) => t(scope)).join(", ") },
          { title: t("allowList"), cell: (key) => key.allowList.join(", ") || t("anywhere"), isExtra: true },
          { title: t("expires"), cell: (key) => (key.expiresAt === null ? t("never") : day(key.expiresAt)) },
          { title: t("lastUsed"), cell: (key) => (key.lastUsedAt === null ? t("never") : moment(key.lastUsedAt)), isExtra: true },
          { title: "", cell: (key) => <button class="button small danger" onClick={() => void remove(key)} aria-label={`${t("remove")}: ${key.label}`}>{t("remove")}</button> },
        ]}
      />
    </Panel>
  );
}

function NewKey({ onDone }: { onDone: () => void }) {
  const label = useSignal("");
  const algorithm = useSignal<"ed25519" | "hmac-sha256">("hmac-sha256");
  const publicKey = useSignal("");
  const canTrade = useSignal(false);
  const allowList = useSignal("");
  const expiresAt = useSignal("");
  const made = useSignal<NewApiKeyView | null>(null);
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    const addresses = allowList.value.split(/[\s,]+/).filter((text) => text !== "");
    const body: NewApiKeyBody = {
      label: label.value.trim(),
      algorithm: algorithm.value,
      scopes: canTrade.value ? ["read", "trade"] : ["read"],
      publicKey: algorithm.value === "ed25519" ? publicKey.value.trim() : null,
      allowList: addresses.length === 0 ? null : addresses,
      expiresAt: expiresAt.value === "" ? null : momentOf(expiresAt.value).toISOString(),
    };
    const answer = await fresh(() => rest.call("post", "/users/me/api-keys", { body }));
    made.value = answer.data;
  };
  if (made.value !== null) {
    return (
      <div class="stack">
        <p class="note" role="status">{t(made.value.secret === null ? "keyMade" : "shownOnce")}</p>
        <Secret label={t("key")} value={made.value.key.apiKey} />
        {made.value.secret !== null && <Secret label={t("secret")} value={made.value.secret} />}
        <div class="row actions"><button class="button primary" onClick={onDone}>{t("haveIt")}</button></div>
      </div>
    );
  }
  return (
    <form class="stack" onSubmit={on(send)}>
      <TextField label={t("label")} name="label" value={label} problem={problem.value} isRequired hint={t("labelHint")} autocomplete="off" />
      <Choice label={t("algorithm")} name="algorithm" value={algorithm} choices={[["hmac-sha256", t("hmac")], ["ed25519", t("ed25519")]]} />
      {algorithm.value === "ed25519" && <TextField label={t("publicKey")} name="publicKey" value={publicKey} problem={problem.value} isRequired isLong autocomplete="off" />}
      <Check label={t("mayTrade")} value={canTrade} />
      <TextField label={t("allowList")} name="allowList" value={allowList} problem={problem.value} hint={t("allowListHint")} autocomplete="off" />
      <TextField label={t("expires")} name="expiresAt" type="datetime-local" value={expiresAt} problem={problem.value} hint={t("expiresHint")} />
      <Problem problem={problem.value} fields={["label", "publicKey", "allowList", "expiresAt"]} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("makeKey")}</button></div>
    </form>
  );
}
