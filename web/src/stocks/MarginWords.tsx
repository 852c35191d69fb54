// What a loan means, for who is about to take one or has one.

import { Panel } from "@/parts/DataTable";
import { t } from "./texts";

export function MarginWords() {
  return (
    <Panel title={t("marginTitle")}>
      <p>{t("margin1")}</p>
      <p>{t("margin2")}</p>
      <p class="quiet">{t("margin3")}</p>
    </Panel>
  );
}
