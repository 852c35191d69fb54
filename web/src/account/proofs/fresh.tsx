// Some calls want a sign-in of the last minutes. `fresh(call)` makes the call, has the reader prove who they
// are if it is refused for that, and makes it again.

import { useSignal } from "@preact/signals";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { StepUpBody } from "@/api/schema";
import { opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { t } from "@/parts/texts";
import { path } from "@/shell/router";
import { hasPasskeys, proved } from "./webauthn";
import { signedBy, walletsHere } from "./wallets";

/** Make a call that may want a fresh sign-in; throws an AbortError if the reader doesn't give one. */
export async function fresh<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    if (asApiError(thrown).code !== "FRESH_LOGIN_REQUIRED") throw thrown;
  }
  const [factors, profile] = await Promise.all([rest.call("get", "/auth/2fa"), rest.call("get", "/users/me")]);
  const isProved = await opened<true>(t("freshTitle"), (end) => (
    <Proof methods={factors.data.methods} ways={profile.data.waysIn} onDone={() => end(true)} />
  ));
  if (isProved !== true) throw new DOMException("not proved", "AbortError");
  return call();
}

interface ProofProps {
  readonly methods: readonly string[];
  readonly ways: readonly string[];
  readonly onDone: () => void;
}

function Proof({ methods, ways, onDone }: ProofProps) {
  const secret = useSignal("");
  const isRecovery = useSignal(false);
  const { problem, isBusy, run, on } = useSending();
  const prove = async (body: StepUpBody) => {
    await rest.call("post", "/auth/step-up", { body });
    onDone();
  };
  const withPasskey = async () => {
    const options = await rest.call("post", "/auth/step-up/options");
    await prove({ passkey: await proved(options.data) });
  };
  const withWallet = async (kind: "ethereum" | "solana") => {
    await rest.call("post", "/auth/wallet/step-up", { body: await signedBy(kind) });
    onDone();
  };
  const hasCode = methods.includes("totp") || methods.includes("recovery");
  const asksPassword = methods.length === 0 && ways.includes("password");
  const name = hasCode ? (isRecovery.value || !methods.includes("totp") ? "recoveryCode" : "code") : "password";
  const label = { recoveryCode: t("recovery"), code: t("code"), password: t("password") }[name];
  return (
    <form class="stack" onSubmit={on(() => prove({ [name]: secret.value }))}>
      <p>{t("freshWhy")}</p>
      {(hasCode || asksPassword) && (
        <>
          <TextField label={label} name={name} value={secret} problem={problem.value} isRequired type={name === "password" ? "password" : "text"} autocomplete={name === "password" ? "current-password" : "one-time-code"} />
          <button class="button primary" disabled={isBusy.value}>{t("confirm")}</button>
        </>
      )}
      {methods.includes("totp") && methods.includes("recovery") && (
        <button type="button" class="button bare" onClick={() => (isRecovery.value = !isRecovery.value)}>{t(isRecovery.value ? "useCode" : "useRecovery")}</button>
      )}
      {(methods.includes("passkey") || (methods.length === 0 && ways.includes("passkey"))) && hasPasskeys() && (
        <button type="button" class="button" disabled={isBusy.value} onClick={() => void run(withPasskey)}>{t("withPasskey")}</button>
      )}
      {methods.length === 0 && ways.includes("wallet") && walletsHere().map((kind) => (
        <button key={kind} type="button" class="button" disabled={isBusy.value} onClick={() => void run(() => withWallet(kind))}>{t("withWallet")} ({kind})</button>
      ))}
      <Problem problem={problem.value} fields={[name]} />
      <p class="quiet"><a href={`/sign-in?next=${encodeURIComponent(path.value)}`}>{t("anew")}</a></p>
    </form>
  );
}
