// How the terminal looks here, and what the exchange keeps of one's preferences for every browser.
//
// Law: only what the terminal heeds can be set here; what other programs keep beside it stays as it is.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { Preferences } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { Check, Choice, Problem, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { t as parts } from "@/parts/texts";
import { keepPreferences } from "@/session/ownPreferences";
import { user } from "@/session/session";
import { language, nearestLanguage } from "@/shell/language";
import { notify } from "@/shell/notices";
import { layout, palette, theme } from "@/shell/preferences";
import { t } from "./accountTexts";
import { TradingPart } from "./TradingPart";

export function PreferencesPart() {
  const kept = useLoaded((signal) => rest.call("get", "/users/me/preferences", { signal }), []);
  return (
    <div class="columns">
      <Panel title={t("thisBrowser")}>
        <Choice label={t("theme")} name="theme" value={theme} choices={[["system", t("system")], ["dark", t("dark")], ["light", t("light")]]} />
        <Choice label={t("palette")} name="palette" value={palette} choices={[["green-up", t("greenUp")], ["red-up", t("redUp")], ["colour-blind", t("colourBlind")]]} />
        <Choice label={t("layout")} name="layout" value={layout} choices={[["pro", t("layoutPro")], ["simple", t("layoutSimple")]]} />
        <Choice label={t("language")} name="language" value={language} choices={[["en", "English"], ["de", "Deutsch"]]} />
      </Panel>
      <TradingPart />
      {kept.isFirst && <Waiting />}
      {kept.data !== null && <Kept preferences={kept.data.data} />}
      {kept.data === null && kept.error !== null && <Failed error={kept.error} reload={kept.reload} />}
    </div>
  );
}

function Kept({ preferences }: { preferences: Preferences }) {
  const showsName = useSignal(preferences.profile?.username ?? true);
  const showsAvatar = useSignal(preferences.profile?.avatarUrl ?? true);
  const showsSince = useSignal(preferences.profile?.createdAt ?? false);
  const showsPlaces = useSignal(preferences.profile?.leaderboards ?? true);
  const { problem, isBusy, on } = useSending();
  const save = async () => {
    const profile = { username: showsName.value, avatarUrl: showsAvatar.value, createdAt: showsSince.value, leaderboards: showsPlaces.value };
    const id = user.peek()?.id;
    if (id !== undefined) await keepPreferences(id, { theme: theme.value, language: language.value, profile });
    notify("good", t("saved"));
  };
  const take = () => {
    theme.value = preferences.theme ?? "system";
    language.value = nearestLanguage([preferences.language ?? "en"]);
  };
  return (
    <Panel title={t("everywhere")} actions={<button class="button small" onClick={take}>{t("takeKept")}</button>}>
      <form class="stack" onSubmit={on(save)}>
        <fieldset>
          <legend class="label">{t("othersSee")}</legend>
          <Check label={t("username")} value={showsName} />
          <Check label={t("avatar")} value={showsAvatar} />
          <Check label={t("since")} value={showsSince} />
          <Check label={t("places")} value={showsPlaces} />
        </fieldset>
        <Problem problem={problem.value} fields={[]} />
        <div><button class="button primary" disabled={isBusy.value}>{parts("save")}</button></div>
      </form>
    </Panel>
  );
}
