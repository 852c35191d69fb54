// Taking one's data along, and leaving.

import { useSignal } from "@preact/signals";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import { Panel } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { saveFile } from "@/parts/csv";
import { Check, Problem, useSending } from "@/parts/Form";
import { signOut } from "@/session/session";
import { navigate } from "@/shell/router";
import { fresh } from "./proofs/fresh";
import { t } from "./accountTexts";

export function DataPart() {
  const forfeits = useSignal(false);
  const taking = useSending();
  const leaving = useSending();
  const take = async () => {
    const all: unknown = await fresh(() => rest.call("get", "/users/me/export"));
    saveFile("probity-my-data.json", JSON.stringify(all, null, 2), "application/json");
  };
  const leave = async () => {
    if (!(await isSure({ title: t("leave"), text: t("leaveWhy"), action: t("leaveNow"), isDangerous: true }))) return;
    await fresh(() => rest.call("delete", "/users/me", { body: { forfeitCredits: forfeits.value } }));
    await signOut().catch(asApiError); // the session is over with the account
    navigate("/");
  };
  return (
    <div class="columns">
      <Panel title={t("takeAlong")}>
        <p class="quiet">{t("takeAlongWhy")}</p>
        <Problem problem={taking.problem.value} />
        <div><button class="button" disabled={taking.isBusy.value} onClick={() => void taking.run(take)}>{t("takeNow")}</button></div>
      </Panel>
      <Panel title={t("leave")}>
        <p class="quiet">{t("leaveWhy")}</p>
        <Check label={t("forfeit")} value={forfeits} />
        <Problem problem={leaving.problem.value} />
        <div><button class="button danger" disabled={leaving.isBusy.value} onClick={() => void leaving.run(leave)}>{t("leaveNow")}</button></div>
      </Panel>
    </div>
  );
}
