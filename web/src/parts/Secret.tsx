// Something to be taken away once: a key, a secret, a list of codes.

import { notify } from "@/shell/notices";
import { t } from "./texts";
import "./parts.css";

export function Secret({ label, value }: { label: string; value: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      notify("good", t("copied"));
    } catch {
      notify("bad", t("copyFailed")); // no permission, or no secure context
    }
  };
  return (
    <div class="field">
      <span class="label">{label}</span>
      <div class="secret">
        <code aria-label={label}>{value}</code>
        <button type="button" class="button small" onClick={() => void copy()}>{t("copy")}</button>
      </div>
    </div>
  );
}
