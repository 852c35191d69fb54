// Signing in and registering by every way that the exchange has, with the second step where there is one.
//
// Law: what a provider's way back carries behind "#" is taken out of the address before it is used.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { SecondFactorAsked, SignedInView, WaysView } from "@/api/schema";
import { Problem, TextField, useSending, type Sending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { signedIn } from "@/session/session";
import { destination, navigate, path, query } from "@/shell/router";
import { invitation } from "./invitation";
import { hasPasskeys, proved } from "./proofs/webauthn";
import { providerName } from "./proofs/providers";
import { SecondStep } from "./proofs/SecondStep";
import { isFailure, t } from "./texts";
import { signedBy, walletsHere, type WalletKind } from "./proofs/wallets";
import "@/parts/parts.css";
import "./account.css";

const NEXT = "probity.next";

export default function SignInPage() {
  const isNew = path.value === "/register";
  const asked = useSignal<SecondFactorAsked | null>(null);
  const email = useSignal("");
  const password = useSignal("");
  const sending = useSending();
  const ways = useLoaded((signal) => rest.call("get", "/auth/ways", { anonymous: true, signal }), []);
  const done = (answer: SignedInView, to?: string) => {
    signedIn(answer);
    invitation.end();
    navigate(to ?? destination(query.peek().get("next")), true);
  };
  /** Do a first step; the second one is asked for in place. */
  const first = async (call: () => Promise<{ readonly data: SignedInView }>, to?: string) => {
    try {
      done((await call()).data, to);
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.secondFactor === null) throw thrown;
      asked.value = error.secondFactor;
    }
  };
  useEffect(() => {
    invitation.take();
    void wayBack(sending, first);
  }, []);
  const body = () => ({ email: email.value.trim(), password: password.value, ...(isNew ? invitation.sent() : {}) });
  const send = () => first(() => rest.call("post", isNew ? "/auth/register" : "/auth/login", { body: body(), anonymous: true }), isNew ? welcomeTo() : undefined);
  const problem = sending.problem.value;
  const title = t(isNew ? "register" : "signIn");
  if (asked.value !== null) {
    return <Frame><SecondStep asked={asked.value} onDone={done} onBack={() => (asked.value = null)} /></Frame>;
  }
  return (
    <Frame>
      <form class="stack" onSubmit={sending.on(send)}>
        <h1>{title}</h1>
        <TextField label={t("email")} name="email" type="email" autocomplete="username" value={email} problem={problem} isRequired />
        <TextField label={t("password")} name="password" type="password" autocomplete={isNew ? "new-password" : "current-password"} value={password} problem={problem} isRequired hint={isNew ? t("passwordHint") : ""} />
        {(isNew || (problem?.of("referralCode") ?? null) !== null) && invitation.isAsked.value && <TextField label={t("invitation")} name="referralCode" value={invitation.code} problem={problem} maxLength={64} hint={t("invitationHint")} />}
        <Problem problem={problem} fields={["email", "password", "referralCode"]} />
        <button class="button primary" disabled={sending.isBusy.value}>{title}</button>
        {!isNew && ways.data?.data.mail === true && <p><a href="/forgot-password">{t("forgot")}</a></p>}
      </form>
      {ways.data !== null && <OtherWays ways={ways.data.data} sending={sending} first={first} />}
      <p class="quiet">
        {t(isNew ? "haveAccount" : "noAccount")} <a href={(isNew ? "/sign-in" : "/register") + nextOf()}>{t(isNew ? "signIn" : "register")}</a>
      </p>
      {isNew && <p class="quiet small">{t("playMoney")}</p>}
    </Frame>
  );
}

type First = (call: () => Promise<{ readonly data: SignedInView }>, to?: string) => Promise<void>;

interface OtherProps {
  readonly ways: WaysView;
  readonly sending: Sending;
  readonly first: First;
}

function OtherWays({ ways, sending: { isBusy, run }, first }: OtherProps) {
  const withPasskey = async () => {
    const options = await rest.call("post", "/auth/passkeys/options", { anonymous: true });
    const passkey = await proved(options.data);
    await first(() => rest.call("post", "/auth/passkeys", { body: { passkey }, anonymous: true }));
  };
  const withWallet = async (kind: WalletKind) => {
    const body = await signedBy(kind);
    await first(() => rest.call("post", "/auth/wallet", { body: { ...body, ...invitation.sent() }, anonymous: true }));
  };
  const elsewhere = (provider: string) => {
    sessionStorage.setItem(NEXT, query.peek().get("next") ?? "/");
    location.assign(`/api/v1/auth/${provider}`);
  };
  const wallets = walletsHere().filter((kind) => ways.wallets.includes(kind));
  const canPasskey = ways.passkeys && hasPasskeys();
  if (!canPasskey && wallets.length === 0 && ways.providers.length === 0 && !ways.demo) return null;
  return (
    <div class="stack ways" role="group" aria-label={t("otherWays")}>
      <p class="quiet or"><span>{t("or")}</span></p>
      {ways.demo && (
        <button type="button" class="button" disabled={isBusy.value} onClick={() => void run(() => first(demoAccount, welcomeTo()))}>{t("demo")}</button>
      )}
      {canPasskey && <button type="button" class="button" disabled={isBusy.value} onClick={() => void run(withPasskey)}>{t("withPasskey")}</button>}
      {ways.providers.map((provider) => (
        <button key={provider} type="button" class="button" onClick={() => elsewhere(provider)}>{t("with", { provider: providerName(provider) })}</button>
      ))}
      {wallets.map((kind) => (
        <button key={kind} type="button" class="button" disabled={isBusy.value} onClick={() => void run(() => withWallet(kind))}>{t(kind)}</button>
      ))}
    </div>
  );
}

const RANDOM_BYTES = 18;

/** Make an account for trying things out, of a name and a password that nobody needs to know. */
function demoAccount() {
  const random = () => [...crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const body = { email: `visitor-${random().slice(0, 20)}@demo.invalid`, password: random(), displayName: t("visitor"), ...invitation.sent() };
  return rest.call("post", "/auth/register", { body, anonymous: true });
}

/** Where somebody new goes: to what a share is, and from there to where they wanted. */
function welcomeTo(): string {
  return `/welcome${nextOf()}`;
}

function nextOf(): string {
  const next = query.peek().get("next");
  return next === null ? "" : `?next=${encodeURIComponent(destination(next))}`;
}

/** Finish what X or Google has led back with. */
async function wayBack({ run, problem }: Sending, first: First): Promise<void> {
  const told = new URLSearchParams(location.hash.slice(1));
  const code = told.get("code");
  const failure = told.get("error");
  if (code === null && failure === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (code !== null) {
    const next = sessionStorage.getItem(NEXT);
    sessionStorage.removeItem(NEXT);
    await run(() => first(() => rest.call("post", "/auth/code", { body: { code, ...invitation.sent() }, anonymous: true }), destination(next)));
  } else if (failure !== null) {
    problem.value = asApiError(new Error(t(isFailure(failure) ? failure : "failed")));
  }
}

function Frame({ children }: { children: preact.ComponentChildren }) {
  return (
    <div class="page sign-in">
      <div class="panel"><div class="body stack">{children}</div></div>
    </div>
  );
}
