// The second factor: an authenticator app and the codes for when it is lost.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { EnrolmentView, SecondFactorView } from "@/api/schema";
import { Panel } from "@/parts/DataTable";
import { isSure, opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { Secret } from "@/parts/Secret";
import { notifyError } from "@/shell/notices";
import { day } from "@/units/time";
import { fresh } from "./proofs/fresh";
import { drawn } from "./proofs/qr";
import { showCodes } from "./RecoveryCodes";
import { t } from "./accountTexts";

interface Props {
  readonly state: SecondFactorView;
  readonly reload: () => void;
}

export function SecondFactor({ state, reload }: Props) {
  const setUp = async () => {
    try {
      const enrolment = await fresh(() => rest.call("post", "/auth/2fa/totp"));
      const codes = await opened<readonly string[]>(t("setUpApp"), (end) => <Enrolment enrolment={enrolment.data} onDone={end} />);
      if (codes !== null) await showCodes(codes);
      reload();
    } catch (error) {
      notifyError(error);
    }
  };
  const takeAway = async () => {
    if (!(await isSure({ title: t("removeApp"), text: t("factorEnds"), action: t("remove"), isDangerous: true }))) return;
    try {
      await fresh(() => rest.call("delete", "/auth/2fa/totp"));
      reload();
    } catch (error) {
      notifyError(error);
    }
  };
  const newCodes = async () => {
    if (!(await isSure({ title: t("newCodes"), text: t("newCodesWhy"), action: t("newCodes") }))) return;
    try {
      const answer = await fresh(() => rest.call("post", "/auth/2fa/recovery"));
      await showCodes(answer.data.recoveryCodes);
      reload();
    } catch (error) {
      notifyError(error);
    }
  };
  const isOn = state.methods.length > 0;
  return (
    <Panel title={t("secondFactor")}>
      {state.required && !isOn && <p class="note">{t("factorRequired")}</p>}
      <p class="row between">
        <span><strong>{t("app")}</strong> <span class="quiet">{state.totpSince === null ? t("notSetUp") : t("setUpSince", { day: day(state.totpSince) })}</span></span>
      </p>
      <div class="row">
        <button class={state.totpSince === null ? "button primary" : "button"} onClick={() => void setUp()}>{t(state.totpSince === null ? "setUpApp" : "replaceApp")}</button>
        {state.totpSince !== null && <button class="button danger" onClick={() => void takeAway()}>{t("removeApp")}</button>}
      </div>
      {isOn && (
        <>
          <p><strong>{t("recoveryCodes")}</strong> <span class={state.recoveryCodesLeft < 3 ? "badge warn" : "quiet"}>{t("codesLeft", { count: state.recoveryCodesLeft })}</span></p>
          <div><button class="button" onClick={() => void newCodes()}>{t("newCodes")}</button></div>
        </>
      )}
    </Panel>
  );
}

function Enrolment({ enrolment, onDone }: { enrolment: EnrolmentView; onDone: (codes: readonly string[]) => void }) {
  const code = useSignal("");
  const { problem, isBusy, on } = useSending();
  const { size, path } = drawn(enrolment.uri);
  const confirm = async () => {
    const answer = await rest.call("post", "/auth/2fa/totp/confirm", { body: { code: code.value.trim() } });
    onDone(answer.data.recoveryCodes);
  };
  return (
    <form class="stack" onSubmit={on(confirm)}>
      <p>{t("scan")}</p>
      <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t("qr")} shape-rendering="crispEdges"><path d={path} /></svg>
      <Secret label={t("orType")} value={enrolment.secret} />
      <TextField label={t("firstCode")} name="code" value={code} problem={problem.value} isRequired inputMode="numeric" autocomplete="one-time-code" />
      <Problem problem={problem.value} fields={["code"]} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("confirmCode")}</button></div>
    </form>
  );
}
