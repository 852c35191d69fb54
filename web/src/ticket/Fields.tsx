// The ticket's fields: each says what is wrong with it and what would do instead.

import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { priceFormat } from "@/shell/preferences";
import { fromTyped, shownPrice, shownText, signOf, toTyped } from "@/units/prices";
import { parsePrice, plainNumber } from "@/units/money";
import type { Problem } from "./order";
import { t } from "./texts";

export function Segments<T extends string>({ label, value, choices, onChoose, text, tone }: { label: string; value: T; choices: readonly T[]; onChoose: (choice: T) => void; text: (choice: T) => string; tone?: (choice: T) => string }) {
  return (
    <div class="segments filled" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button key={choice} type="button" class={tone?.(choice) ?? ""} aria-pressed={choice === value} onClick={() => onChoose(choice)}>{text(choice)}</button>
      ))}
    </div>
  );
}

export function Choice<T extends string>({ label, value, choices, onChoose, text }: { label: string; value: T; choices: readonly T[]; onChoose: (choice: T) => void; text: (choice: T) => string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <select class="input" value={value} onChange={(event) => {
        const chosen = choices.find((choice) => choice === event.currentTarget.value);
        if (chosen !== undefined) onChoose(chosen);
      }}>
        {choices.map((choice) => <option key={choice} value={choice}>{text(choice)}</option>)}
      </select>
    </label>
  );
}

export interface NumberFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly problem: Pick<Problem, "offer"> & { readonly text: Parameters<typeof t>[0] } | undefined;
  readonly onInput: (text: string) => void;
  /** One step up or down by the arrow keys or the buttons beside. */
  readonly onStep?: (direction: 1 | -1) => void;
  /** Take what is offered in place of what is wrong, and how that is shown; as it is if not given. */
  readonly onUse?: (offer: string) => void;
  readonly offerText?: (offer: string) => string;
  readonly placeholder?: string;
  readonly children?: ComponentChildren;
}

export function NumberField({ name, label, value, problem, onInput, onStep, onUse = onInput, offerText = String, placeholder, children }: NumberFieldProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : null;
    if (direction === null || onStep === undefined) return;
    event.preventDefault();
    onStep(direction);
  };
  const isShown = problem !== undefined && value !== "";
  return (
    <div class="field">
      <div class="between"><label class="label" for={`ticket-${name}`}>{label}</label>{children}</div>
      <div class="stepper">
        {onStep !== undefined && <button type="button" tabIndex={-1} aria-hidden="true" onClick={() => onStep(-1)}>−</button>}
        <input id={`ticket-${name}`} name={name} class="input num" inputMode="decimal" autocomplete="off" value={value} placeholder={placeholder ?? ""} aria-invalid={isShown} aria-describedby={isShown ? `ticket-${name}-problem` : undefined} onInput={(event) => onInput(plainNumber(event.currentTarget.value))} onKeyDown={onKeyDown} />
        {onStep !== undefined && <button type="button" tabIndex={-1} aria-hidden="true" onClick={() => onStep(1)}>+</button>}
      </div>
      {isShown && (
        <p class="problem" id={`ticket-${name}-problem`}>
          {t(problem.text)}
          {problem.offer !== null && <> · <button type="button" class="link" onClick={() => onUse(problem.offer ?? "")}>{t("use", { value: offerText(problem.offer) })}</button></>}
        </p>
      )}
    </div>
  );
}

/** A field for a price: its value is the plain price ("0.55"), what is typed and shown is as the reader likes prices. */
export function PriceField(props: NumberFieldProps & { readonly tick: number }) {
  const form = priceFormat.value;
  const typed = useSignal<{ readonly text: string; readonly value: string; readonly form: string } | null>(null);
  const kept = typed.value;
  const isTyped = kept !== null && kept.value === props.value && kept.form === form;
  const onInput = (text: string) => {
    const value = fromTyped(form, text);
    typed.value = { text, value, form };
    props.onInput(value);
  };
  const price = parsePrice(props.value);
  const beside = form === "odds" ? (price === null ? "" : `(${shownPrice(price)})`) : signOf(form);
  return <NumberField {...props} label={`${props.label} ${beside}`.trim()} value={isTyped ? kept.text : toTyped(form, props.value)} onInput={onInput} onUse={props.onInput} offerText={(offer) => shownText(offer, props.tick)} />;
}
