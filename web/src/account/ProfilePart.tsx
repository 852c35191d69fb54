// Who one is to others, and where mail goes.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { ProfileBody, ProfileView } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { t as parts } from "@/parts/texts";
import { knowUser, user } from "@/session/session";
import { notify } from "@/shell/notices";
import { day } from "@/units/time";
import { fresh } from "./proofs/fresh";
import { t } from "./accountTexts";

export function ProfilePart() {
  const profile = useLoaded((signal) => rest.call("get", "/users/me", { signal }), []);
  if (profile.isFirst) return <Waiting />;
  if (profile.data === null) return <Failed error={profile.error} reload={profile.reload} />;
  const shown = profile.data.data;
  return (
    <div class="columns">
      <Names key={shown.id} profile={shown} reload={profile.reload} />
      <Address key={shown.email ?? ""} profile={shown} reload={profile.reload} />
    </div>
  );
}

interface Props {
  readonly profile: ProfileView;
  readonly reload: () => void;
}

function Names({ profile, reload }: Props) {
  const displayName = useSignal(profile.displayName);
  const username = useSignal(profile.username ?? "");
  const avatarUrl = useSignal(profile.avatarUrl ?? "");
  const { problem, isBusy, on } = useSending();
  const save = async () => {
    const body: ProfileBody = {
      displayName: displayName.value.trim(),
      username: username.value.trim() || null,
      avatarUrl: avatarUrl.value.trim() || null,
    };
    await rest.call("patch", "/users/me", { body });
    const known = user.peek();
    if (known !== null) knowUser({ ...known, displayName: displayName.value.trim() });
    notify("good", t("saved"));
    reload();
  };
  return (
    <Panel title={t("profile")}>
      <form class="stack" onSubmit={on(save)}>
        <TextField label={t("displayName")} name="displayName" value={displayName} problem={problem.value} isRequired autocomplete="nickname" />
        <TextField label={t("username")} name="username" value={username} problem={problem.value} hint={t("usernameHint")} autocomplete="off" />
        <TextField label={t("avatar")} name="avatarUrl" type="url" value={avatarUrl} problem={problem.value} hint="https://…" autocomplete="off" />
        <Problem problem={problem.value} fields={["displayName", "username", "avatarUrl"]} />
        <div><button class="button primary" disabled={isBusy.value}>{parts("save")}</button></div>
      </form>
      <dl class="facts">
        <dt>{t("accountNumber")}</dt><dd>{profile.id}</dd>
        <dt>{t("role")}</dt><dd>{profile.role}</dd>
        <dt>{t("since")}</dt><dd>{day(profile.createdAt)}</dd>
      </dl>
    </Panel>
  );
}

function Address({ profile, reload }: Props) {
  const email = useSignal(profile.email ?? "");
  const { problem, isBusy, run, on } = useSending();
  const change = async () => {
    await fresh(() => rest.call("patch", "/users/me", { body: { email: email.value.trim() || null } }));
    notify("good", t("addressAsked"));
    reload();
  };
  const again = async () => {
    await rest.call("post", "/auth/email/send");
    notify("good", t("mailSent"));
  };
  return (
    <Panel title={t("address")}>
      <p class="row">
        <strong>{profile.email ?? t("noAddress")}</strong>
        {profile.email !== null && <span class={profile.emailVerified ? "badge" : "badge warn"}>{t(profile.emailVerified ? "confirmed" : "unconfirmed")}</span>}
      </p>
      {profile.pendingEmail !== null && <p class="note">{t("pending", { address: profile.pendingEmail })}</p>}
      <form class="stack" onSubmit={on(change)}>
        <TextField label={t("newAddress")} name="email" type="email" value={email} problem={problem.value} autocomplete="email" />
        <Problem problem={problem.value} fields={["email"]} />
        <div class="row">
          <button class="button" disabled={isBusy.value || email.value.trim() === (profile.email ?? "")}>{t("changeAddress")}</button>
          {profile.email !== null && !profile.emailVerified && <button type="button" class="button bare" onClick={() => void run(again)}>{t("sendMail")}</button>}
        </div>
      </form>
    </Panel>
  );
}
