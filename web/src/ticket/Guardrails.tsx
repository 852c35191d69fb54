// Where one sets one's own bounds.

import type { Signal } from "@preact/signals";
import { Choice } from "./Fields";
import { MODES, guardMode, largestLoss, largestOrder, largestPosition } from "./guardrails";
import { t } from "./texts";

function Bound({ label, bound }: { label: string; bound: Signal<number | null> }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input class="input num" inputMode="numeric" value={bound.value ?? ""} onInput={(event) => {
        const value = Number(event.currentTarget.value);
        bound.value = Number.isInteger(value) && value > 0 ? value : null;
      }} />
    </label>
  );
}

export function Guardrails() {
  return (
    <div class="stack">
      <Choice label={t("guardMode")} value={guardMode.value} choices={MODES} onChoose={(mode) => (guardMode.value = mode)} text={(mode) => t(mode)} />
      <Bound label={t("guardOrderField")} bound={largestOrder} />
      <Bound label={t("guardPositionField")} bound={largestPosition} />
      <Bound label={t("guardLossField")} bound={largestLoss} />
    </div>
  );
}
