// The second step of a sign-in, whichever way the first one came.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { SecondFactorAsked, SignedInView, VerifyBody } from "@/api/schema";
import { Problem, TextField, useSending } from "@/parts/Form";
import { hasPasskeys, proved } from "./webauthn";
import { t } from "../texts";

interface Props {
  readonly asked: SecondFactorAsked;
  readonly onDone: (answer: SignedInView) => void;
  readonly onBack: () => void;
}

export function SecondStep({ asked, onDone, onBack }: Props) {
  const text = useSignal("");
  const canCode = asked.methods.includes("totp");
  const isRecovery = useSignal(!canCode);
  const { problem, isBusy, run, on } = useSending();
  const verify = async (proof: Omit<VerifyBody, "challenge">) => {
    const answer = await rest.call("post", "/auth/2fa/verify", { body: { challenge: asked.challenge, ...proof }, anonymous: true });
    onDone(answer.data);
  };
  const withPasskey = async () => {
    const options = await rest.call("post", "/auth/2fa/options", { body: { challenge: asked.challenge }, anonymous: true });
    await verify({ passkey: await proved(options.data) });
  };
  const name = isRecovery.value ? "recoveryCode" : "code";
  return (
    <form class="stack" onSubmit={on(() => verify({ [name]: text.value.trim() }))}>
      <h1>{t("secondStep")}</h1>
      {(canCode || asked.methods.includes("recovery")) && (
        <>
          <TextField label={t(name)} name={name} value={text} problem={problem.value} isRequired autocomplete="one-time-code" inputMode={isRecovery.value ? "text" : "numeric"} />
          <button class="button primary" disabled={isBusy.value}>{t("verify")}</button>
        </>
      )}
      {asked.methods.includes("passkey") && hasPasskeys() && (
        <button type="button" class="button" disabled={isBusy.value} onClick={() => void run(withPasskey)}>{t("withPasskey")}</button>
      )}
      {canCode && asked.methods.includes("recovery") && (
        <button type="button" class="button bare" onClick={() => (isRecovery.value = !isRecovery.value)}>{t(isRecovery.value ? "useCode" : "useRecovery")}</button>
      )}
      <Problem problem={problem.value} fields={[name]} />
      <button type="button" class="button bare" onClick={onBack}>{t("back")}</button>
    </form>
  );
}
