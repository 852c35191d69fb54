// The recovery codes, shown once.

import { opened } from "@/parts/Dialog";
import { saveFile } from "@/parts/csv";
import { t } from "./accountTexts";

/** Show codes until the reader says that they are kept. */
export async function showCodes(codes: readonly string[]): Promise<void> {
  await opened<true>(t("recoveryCodes"), (end) => (
    <div class="stack">
      <p class="note" role="status">{t("codesOnce")}</p>
      <ul class="codes">{codes.map((code) => <li key={code}>{code}</li>)}</ul>
      <div class="row actions">
        <button class="button" onClick={() => saveFile("probity-recovery-codes.txt", `${codes.join("\n")}\n`, "text/plain")}>{t("saveFile")}</button>
        <button class="button primary" onClick={() => end(true)}>{t("haveIt")}</button>
      </div>
    </div>
  ));
}
