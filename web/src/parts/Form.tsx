// Fields with their labels and what is wrong with them, and sending what is in them.

import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useOwnId } from "./ownId";
import { type ApiError, asApiError } from "@/api/errors";

export interface Sending {
  readonly problem: Signal<ApiError | null>;
  readonly isBusy: Signal<boolean>;
  /** Do something; what goes wrong is shown where the form says so. Returns whether it went well. */
  readonly run: (work: () => Promise<void>) => Promise<boolean>;
  /** The same for a form's `onSubmit`. */
  readonly on: (work: () => Promise<void>) => (event: Event) => void;
}

export function useSending(): Sending {
  const problem = useSignal<ApiError | null>(null);
  const isBusy = useSignal(false);
  const run = async (work: () => Promise<void>) => {
    if (isBusy.peek()) return false;
    isBusy.value = true;
    problem.value = null;
    try {
      await work();
      return true;
    } catch (thrown) {
      if (!(thrown instanceof DOMException && thrown.name === "AbortError")) problem.value = asApiError(thrown);
      return false;
    } finally {
      isBusy.value = false;
    }
  };
  const on = (work: () => Promise<void>) => (event: Event) => {
    event.preventDefault();
    void run(work);
  };
  return { problem, isBusy, run, on };
}

interface FieldProps {
  readonly label: string;
  readonly value: Signal<string>;
  readonly name: string;
  readonly problem?: ApiError | null | undefined;
  readonly hint?: ComponentChildren;
  readonly type?: "text" | "email" | "password" | "url" | "datetime-local";
  readonly autocomplete?: string;
  readonly inputMode?: "text" | "decimal" | "numeric";
  readonly isRequired?: boolean;
  readonly isLong?: boolean;
  readonly maxLength?: number;
  readonly placeholder?: string;
}

export function TextField(props: FieldProps) {
  const id = useOwnId();
  const said = props.problem?.of(props.name) ?? null;
  const shared = {
    id,
    class: "input",
    name: props.name,
    value: props.value.value,
    required: props.isRequired ?? false,
    placeholder: props.placeholder ?? "",
    "aria-invalid": said !== null,
    "aria-describedby": `${id}-said`,
    ...(props.maxLength === undefined ? {} : { maxLength: props.maxLength }),
    ...(props.autocomplete === undefined ? {} : { autocomplete: props.autocomplete }),
  };
  const take = (text: string) => {
    props.value.value = text;
  };
  return (
    <div class="field">
      <label class="label" for={id}>{props.label}</label>
      {props.isLong === true ? (
        <textarea {...shared} onInput={(event) => take(event.currentTarget.value)} />
      ) : (
        <input {...(typed(props) as object)} {...shared} onInput={(event) => take(event.currentTarget.value)} />
      )}
      <span id={`${id}-said`} class={said === null ? "quiet small" : "problem"}>{said ?? props.hint}</span>
    </div>
  );
}

/** Preact's types tell inputs apart by their type, which is known only now. */
function typed(props: FieldProps) {
  return { type: props.type ?? "text", inputMode: props.inputMode ?? "text" };
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: Signal<T>;
  readonly name: string;
  readonly choices: readonly (readonly [T, string])[];
  readonly hint?: string;
}

export function Choice<T extends string>({ label, value, name, choices, hint }: ChoiceProps<T>) {
  const id = useOwnId();
  return (
    <div class="field">
      <label class="label" for={id}>{label}</label>
      <select id={id} class="input" name={name} value={value.value} onChange={(event) => (value.value = event.currentTarget.value as T)}>
        {choices.map(([choice, text]) => <option key={choice} value={choice}>{text}</option>)}
      </select>
      {hint !== undefined && <span class="quiet small">{hint}</span>}
    </div>
  );
}

export function Check({ label, value }: { label: ComponentChildren; value: Signal<boolean> }) {
  return (
    <label class="check">
      <input type="checkbox" checked={value.value} onChange={(event) => (value.value = event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** What went wrong, but what stands beside one of `fields`. */
export function Problem({ problem, fields = [] }: { problem: ApiError | null; fields?: readonly string[] }) {
  if (problem === null) return null;
  const rest = problem.details.filter((detail) => !fields.includes(detail.field));
  return (
    <p class="problem" role="alert">
      {problem.message}
      {rest.map((detail) => ` ${detail.field}: ${detail.message}`).join(",")}
    </p>
  );
}
