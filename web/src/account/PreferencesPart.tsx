// How the terminal looks here, and what the exchange keeps of one's preferences for every browser.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { Preferences } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { Check, Choice, Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { t as parts } from "@/parts/texts";
import { language, nearestLanguage } from "@/shell/language";
import { notify } from "@/shell/notices";
import { layout, palette, theme } from "@/shell/preferences";
import { t } from "./accountTexts";

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
      {kept.isFirst && <Waiting />}
      {kept.data !== null && <Kept preferences={kept.data.data} />}
      {kept.data === null && kept.error !== null && <Failed error={kept.error} reload={kept.reload} />}
    </div>
  );
}

function Kept({ preferences }: { preferences: Preferences }) {
  const timeZone = useSignal(preferences.timeZone ?? "UTC");
  const priceFormat = useSignal(preferences.priceFormat ?? "price");
  const confirms = useSignal(preferences.confirmOrders ?? true);
  const sounds = useSignal(preferences.sounds ?? false);
  const showsName = useSignal(preferences.profile?.username ?? true);
  const showsAvatar = useSignal(preferences.profile?.avatarUrl ?? true);
  const showsSince = useSignal(preferences.profile?.createdAt ?? false);
  const { problem, isBusy, on } = useSending();
  const save = async () => {
    const body: Preferences = {
      theme: theme.value,
      language: language.value,
      timeZone: timeZone.value.trim(),
      priceFormat: priceFormat.value,
      confirmOrders: confirms.value,
      sounds: sounds.value,
      profile: { username: showsName.value, avatarUrl: showsAvatar.value, createdAt: showsSince.value },
    };
    await rest.call("put", "/users/me/preferences", { body });
    notify("good", t("saved"));
  };
  const take = () => {
    theme.value = preferences.theme ?? "system";
    language.value = nearestLanguage([preferences.language ?? "en"]);
    timeZone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  };
  return (
    <Panel title={t("everywhere")} actions={<button class="button small" onClick={take}>{t("takeKept")}</button>}>
      <form class="stack" onSubmit={on(save)}>
        <TextField label={t("timeZone")} name="timeZone" value={timeZone} problem={problem.value} hint={t("timeZoneHint")} />
        <Choice label={t("priceFormat")} name="priceFormat" value={priceFormat} choices={[["price", "0.55"], ["percent", "55 %"], ["odds", "1.82"]]} />
        <div>
          <Check label={t("confirmOrders")} value={confirms} />
          <Check label={t("sounds")} value={sounds} />
        </div>
        <fieldset>
          <legend class="label">{t("othersSee")}</legend>
          <Check label={t("username")} value={showsName} />
          <Check label={t("avatar")} value={showsAvatar} />
          <Check label={t("since")} value={showsSince} />
        </fieldset>
        <Problem problem={problem.value} fields={["timeZone"]} />
        <div><button class="button primary" disabled={isBusy.value}>{parts("save")}</button></div>
      </form>
    </Panel>
  );
}
