// Signing in and registering by a password, with the second factor where there is one.

import { useSignal } from "@preact/signals";
import type { ApiError} from "@/api/errors";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import { signedIn } from "@/session/session";
import { navigate, path, query } from "@/shell/router";
import { t } from "./texts";

/** Where to go when it is done: a path of ours that the query names, the markets else. */
export function destination(asked: string | null): string {
  return asked?.startsWith("/") === true && !asked.startsWith("//") ? asked : "/";
}

export default function SignInPage() {
  const isNew = path.value === "/register";
  const email = useSignal("");
  const password = useSignal("");
  const code = useSignal("");
  const challenge = useSignal<string | null>(null);
  const problem = useSignal<ApiError | null>(null);
  const isBusy = useSignal(false);

  const send = async (event: Event) => {
    event.preventDefault();
    isBusy.value = true;
    problem.value = null;
    try {
      const body = { email: email.value, password: password.value };
      const answer =
        challenge.value !== null
          ? await rest.call("post", "/auth/2fa/verify", { body: { challenge: challenge.value, code: code.value }, anonymous: true })
          : await rest.call("post", isNew ? "/auth/register" : "/auth/login", { body, anonymous: true });
      signedIn(answer.data);
      navigate(destination(query.value.get("next")), true);
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.secondFactor !== null) challenge.value = error.secondFactor.challenge;
      else problem.value = error;
    } finally {
      isBusy.value = false;
    }
  };
  const title = t(isNew ? "register" : "signIn");
  return (
    <div class="page sign-in">
      <form class="panel" onSubmit={(event) => void send(event)}>
        <div class="body stack">
          <h1>{title}</h1>
          {challenge.value === null ? (
            <>
              <label class="field">
                <span>{t("email")}</span>
                <input class="input" type="email" name="email" autocomplete="username" required value={email.value} onInput={(event) => (email.value = event.currentTarget.value)} />
              </label>
              <label class="field">
                <span>{t("password")}</span>
                <input class="input" type="password" name="password" autocomplete={isNew ? "new-password" : "current-password"} required value={password.value} onInput={(event) => (password.value = event.currentTarget.value)} />
              </label>
            </>
          ) : (
            <label class="field">
              <span>{t("code")}</span>
              <input class="input" inputMode="numeric" autocomplete="one-time-code" required value={code.value} onInput={(event) => (code.value = event.currentTarget.value)} />
            </label>
          )}
          {problem.value !== null && (
            <p class="problem" role="alert">{[problem.value.message, ...problem.value.details.map((detail) => detail.message)].join(" ")}</p>
          )}
          <button class="button primary" disabled={isBusy.value}>{challenge.value === null ? title : t("verify")}</button>
          <p class="quiet">
            {t(isNew ? "haveAccount" : "noAccount")}{" "}
            <a href={isNew ? "/sign-in" : "/register"}>{t(isNew ? "signIn" : "register")}</a>
          </p>
        </div>
      </form>
    </div>
  );
}
