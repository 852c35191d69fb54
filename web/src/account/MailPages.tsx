// The pages that mails lead to: another password, a confirmed address.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { rest } from "@/api/rest";
import { Problem, TextField, useSending } from "@/parts/Form";
import { path } from "@/shell/router";
import { t } from "./texts";
import "@/parts/parts.css";
import "./account.css";

/** What stands behind "#token=", which is taken out of the address at once. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname);
  return token;
}

export default function MailPages() {
  return (
    <div class="page sign-in">
      <div class="panel"><div class="body stack">{pageAt(path.value)}</div></div>
    </div>
  );
}

function pageAt(at: string): ComponentChildren {
  if (at === "/forgot-password") return <Forgot />;
  return at === "/reset-password" ? <Reset /> : <Verify />;
}

function Forgot() {
  const email = useSignal("");
  const isSent = useSignal(false);
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    await rest.call("post", "/auth/password/forgot", { body: { email: email.value.trim() }, anonymous: true });
    isSent.value = true;
  };
  return (
    <form class="stack" onSubmit={on(send)}>
      <h1>{t("forgotTitle")}</h1>
      {isSent.value ? (
        <p role="status">{t("sent")}</p>
      ) : (
        <>
          <p class="quiet">{t("forgotWhy")}</p>
          <TextField label={t("email")} name="email" type="email" autocomplete="username" value={email} problem={problem.value} isRequired />
          <Problem problem={problem.value} fields={["email"]} />
          <button class="button primary" disabled={isBusy.value}>{t("send")}</button>
        </>
      )}
      <p><a href="/sign-in">{t("back")}</a></p>
    </form>
  );
}

function Reset() {
  const token = useSignal<string | null>(null);
  const password = useSignal("");
  const isDone = useSignal(false);
  const { problem, isBusy, on } = useSending();
  useEffect(() => {
    token.value = takeToken();
  }, []);
  const send = async () => {
    await rest.call("post", "/auth/password/reset", { body: { token: token.value ?? "", password: password.value }, anonymous: true });
    isDone.value = true;
  };
  if (isDone.value) return <><p role="status">{t("resetDone")}</p><p><a class="button primary" href="/sign-in">{t("signIn")}</a></p></>;
  return (
    <form class="stack" onSubmit={on(send)}>
      <h1>{t("forgotTitle")}</h1>
      {token.value === null && <p class="note">{t("noToken")}</p>}
      <TextField label={t("newPassword")} name="password" type="password" autocomplete="new-password" value={password} problem={problem.value} isRequired hint={t("passwordHint")} />
      <Problem problem={problem.value} fields={["password"]} />
      <button class="button primary" disabled={isBusy.value || token.value === null}>{t("reset")}</button>
    </form>
  );
}

function Verify() {
  const outcome = useSignal<"changed" | "verified" | "waiting" | null>(null);
  const isMissing = useSignal(false);
  const { problem, run } = useSending();
  useEffect(() => {
    const token = takeToken();
    isMissing.value = token === null;
    if (token === null) return;
    void run(async () => {
      const answer = await rest.call("post", "/auth/email/verify", { body: { token }, anonymous: true });
      outcome.value = answer.data.outcome;
    });
  }, []);
  return (
    <>
      <h1>{t("verifying")}</h1>
      {isMissing.value && <p class="note">{t("noToken")}</p>}
      {outcome.value !== null && <p role="status">{t(outcome.value)}</p>}
      <Problem problem={problem.value} />
      <p class="row"><a class="button primary" href="/account">{t("toAccount")}</a><a class="button" href="/">{t("toMarkets")}</a></p>
    </>
  );
}
