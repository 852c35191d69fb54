// By what one signs in: the password, the second factor, passkeys, wallets, accounts elsewhere.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { ProfileView } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded, type Loaded } from "@/parts/loading";
import { notify, notifyError } from "@/shell/notices";
import { day } from "@/units/time";
import { fresh } from "./proofs/fresh";
import { Passkeys } from "./Passkeys";
import { providerName } from "./proofs/providers";
import { SecondFactor } from "./SecondFactor";
import { t } from "./accountTexts";
import { signedBy, walletsHere, type WalletKind } from "./proofs/wallets";

export function SecurityPart() {
  const ways = useLoaded((signal) => rest.call("get", "/auth/ways", { anonymous: true, signal }), []);
  const profile = useLoaded((signal) => rest.call("get", "/users/me", { signal }), []);
  const factors = useLoaded((signal) => rest.call("get", "/auth/2fa", { signal }), []);
  if (profile.isFirst || ways.isFirst || factors.isFirst) return <Waiting />;
  if (profile.data === null || ways.data === null || factors.data === null) {
    return <Failed error={profile.error ?? ways.error ?? factors.error} reload={() => { profile.reload(); ways.reload(); factors.reload(); }} />;
  }
  const offered = ways.data.data;
  return (
    <div class="columns">
      <SecondFactor state={factors.data.data} reload={factors.reload} />
      <Password profile={profile.data.data} reload={profile.reload} />
      {offered.passkeys && <Passkeys reload={factors.reload} />}
      {offered.wallets.length > 0 && <Wallets profile={profile} />}
      {offered.providers.length > 0 && <Links providers={offered.providers} profile={profile} />}
    </div>
  );
}

function Password({ profile, reload }: { profile: ProfileView; reload: () => void }) {
  const current = useSignal("");
  const next = useSignal("");
  const { problem, isBusy, on } = useSending();
  const has = profile.waysIn.includes("password");
  const change = async () => {
    const body = { newPassword: next.value, currentPassword: has ? current.value : null };
    await fresh(() => rest.call("post", "/auth/password/change", { body }));
    current.value = "";
    next.value = "";
    notify("good", t("passwordChanged"));
    reload();
  };
  return (
    <Panel title={t("password")}>
      <form class="stack" onSubmit={on(change)}>
        {has && <TextField label={t("currentPassword")} name="currentPassword" type="password" autocomplete="current-password" value={current} problem={problem.value} isRequired />}
        <TextField label={t("newPassword")} name="newPassword" type="password" autocomplete="new-password" value={next} problem={problem.value} isRequired />
        <Problem problem={problem.value} fields={["currentPassword", "newPassword"]} />
        <p class="quiet small">{t("passwordEnds")}</p>
        <div><button class="button" disabled={isBusy.value}>{t("changePassword")}</button></div>
      </form>
    </Panel>
  );
}

function Wallets({ profile }: { profile: Loaded<{ readonly data: ProfileView }> }) {
  const list = useLoaded((signal) => rest.call("get", "/users/me/wallets", { query: { limit: 50 }, signal }), []);
  const done = () => {
    list.reload();
    profile.reload();
  };
  const add = async (kind: WalletKind) => {
    try {
      const body = await signedBy(kind);
      await fresh(() => rest.call("post", "/users/me/wallets", { body }));
      done();
    } catch (error) {
      notifyError(error);
    }
  };
  const remove = async (id: string) => {
    try {
      await fresh(() => rest.call("delete", "/users/me/wallets/{id}", { path: { id } }));
      done();
    } catch (error) {
      notifyError(error);
    }
  };
  const here = walletsHere();
  return (
    <Panel title={t("wallets")}>
      {list.data?.data.map((wallet) => (
        <div key={wallet.id} class="row between">
          <span><span class="mono">{wallet.address}</span><br /><span class="quiet small">{wallet.kind} · {day(wallet.createdAt)}</span></span>
          <button class="button small danger" onClick={() => void remove(wallet.id)} aria-label={`${t("remove")}: ${wallet.address}`}>{t("remove")}</button>
        </div>
      ))}
      {list.data?.data.length === 0 && <p class="quiet">{t("noWallets")}</p>}
      <div class="row">
        {here.map((kind) => <button key={kind} class="button" onClick={() => void add(kind)}>{t("addWallet", { kind })}</button>)}
        {here.length === 0 && <span class="quiet small">{t("noWalletHere")}</span>}
      </div>
    </Panel>
  );
}

interface LinksProps {
  readonly providers: readonly string[];
  readonly profile: Loaded<{ readonly data: ProfileView }>;
}

function Links({ providers, profile }: LinksProps) {
  const links = useLoaded((signal) => rest.call("get", "/users/me/links", { signal }), []);
  const known = links.data?.data.links ?? [];
  const link = async (provider: string) => {
    try {
      const answer = await fresh(() => rest.call("post", "/users/me/links/{provider}", { path: { provider } }));
      location.assign(answer.data.url);
    } catch (error) {
      notifyError(error);
    }
  };
  const unlink = async (provider: string) => {
    try {
      await fresh(() => rest.call("delete", "/users/me/links/{provider}", { path: { provider } }));
      links.reload();
      profile.reload();
    } catch (error) {
      notifyError(error);
    }
  };
  return (
    <Panel title={t("links")}>
      {providers.map((provider) => {
        const found = known.find((one) => one.provider === provider);
        return (
          <div key={provider} class="row between">
            <span><strong>{providerName(provider)}</strong> <span class="quiet">{found?.label ?? t(found === undefined ? "notLinked" : "isLinked")}</span></span>
            {found === undefined ? (
              <button class="button small" onClick={() => void link(provider)}>{t("link")}</button>
            ) : (
              <button class="button small danger" onClick={() => void unlink(provider)}>{t("unlink")}</button>
            )}
          </div>
        );
      })}
    </Panel>
  );
}
