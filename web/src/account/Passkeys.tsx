// One's passkeys: adding, naming, taking away.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { PasskeyView } from "@/api/schema";
import { Panel } from "@/parts/DataTable";
import { isSure, opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { notifyError } from "@/shell/notices";
import { day } from "@/units/time";
import { fresh } from "./proofs/fresh";
import { hasPasskeys, made } from "./proofs/webauthn";
import { showCodes } from "./RecoveryCodes";
import { t } from "./accountTexts";

export function Passkeys({ reload }: { reload: () => void }) {
  const list = useLoaded((signal) => rest.call("get", "/auth/2fa/passkeys", { query: { limit: 50 }, signal }), []);
  const done = () => {
    list.reload();
    reload();
  };
  const add = async () => {
    const codes = await opened<readonly string[]>(t("addPasskey"), (end) => <NewPasskey onDone={end} />);
    if (codes !== null && codes.length > 0) await showCodes(codes);
    done();
  };
  const remove = async (passkey: PasskeyView) => {
    if (!(await isSure({ title: t("removePasskey"), text: t("factorEnds"), action: t("remove"), isDangerous: true }))) return;
    try {
      await fresh(() => rest.call("delete", "/auth/2fa/passkeys/{id}", { path: { id: passkey.id } }));
      done();
    } catch (error) {
      notifyError(error);
    }
  };
  return (
    <Panel title={t("passkeys")}>
      <p class="quiet">{t("passkeysWhy")}</p>
      {list.data?.data.map((passkey) => (
        <div key={passkey.id} class="row between">
          <span><strong>{passkey.label}</strong><br /><span class="quiet small">{day(passkey.createdAt)}{passkey.lastUsedAt !== null && ` · ${t("lastUsed")} ${day(passkey.lastUsedAt)}`}</span></span>
          <button class="button small danger" onClick={() => void remove(passkey)} aria-label={`${t("remove")}: ${passkey.label}`}>{t("remove")}</button>
        </div>
      ))}
      <div>{hasPasskeys() ? <button class="button" onClick={() => void add()}>{t("addPasskey")}</button> : <span class="quiet small">{t("noPasskeysHere")}</span>}</div>
    </Panel>
  );
}

function NewPasskey({ onDone }: { onDone: (codes: readonly string[]) => void }) {
  const label = useSignal("");
  const { problem, isBusy, on } = useSending();
  const add = async () => {
    const options = await fresh(() => rest.call("post", "/auth/2fa/passkeys/options"));
    const passkey = await made(options.data);
    const answer = await rest.call("post", "/auth/2fa/passkeys", { body: { label: label.value.trim(), passkey } });
    onDone(answer.data.recoveryCodes);
  };
  return (
    <form class="stack" onSubmit={on(add)}>
      <TextField label={t("label")} name="label" value={label} problem={problem.value} isRequired hint={t("passkeyHint")} autocomplete="off" />
      <Problem problem={problem.value} fields={["label"]} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("addPasskey")}</button></div>
    </form>
  );
}
