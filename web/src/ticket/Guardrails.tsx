// Where one sets one's own bounds.
//
// Law: what is typed and is no bound is said to be none, so that nobody trusts one that isn't there.

import { useSignal, type Signal } from "@preact/signals";
import { Choice } from "./Fields";
import { MODES, guardMode, largestLoss, largestOrder, largestPosition } from "./guardrails";
import { t } from "./texts";

const WHOLE = /^[1-9]\d{0,8}$/;

function Bound({ name, label, bound }: { name: string; label: string; bound: Signal<number | null> }) {
  const typed = useSignal(bound.value === null ? "" : String(bound.value));
  const isWrong = typed.value.trim() !== "" && bound.value === null;
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} class="input num" inputMode="numeric" autocomplete="off" value={typed.value} aria-invalid={isWrong} onInput={(event) => {
        const text = event.currentTarget.value;
        typed.value = text;
        bound.value = WHOLE.test(text.trim()) ? Number(text) : null;
      }} />
      {isWrong && <span class="problem" role="alert">{t("guardWhole")}</span>}
    </label>
  );
}

export function Guardrails() {
  return (
    <div class="stack">
      <Choice label={t("guardMode")} value={guardMode.value} choices={MODES} onChoose={(mode) => (guardMode.value = mode)} text={(mode) => t(mode)} />
      <Bound name="guardOrder" label={t("guardOrderField")} bound={largestOrder} />
      <Bound name="guardPosition" label={t("guardPositionField")} bound={largestPosition} />
      <Bound name="guardLoss" label={t("guardLossField")} bound={largestLoss} />
    </div>
  );
}
