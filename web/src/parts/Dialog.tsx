// A dialog over the page, which keeps the focus until it is closed and gives it back then.

import type { ComponentChildren } from "preact";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useOwnId } from "./ownId";
import { t } from "./texts";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const place = useRef<HTMLDialogElement>(null);
  const id = useOwnId();
  useEffect(() => {
    const dialog = place.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={place} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="button bare small" onClick={onClose} aria-label={t("close")}>✕</button>
      </header>
      <div class="body">{children}</div>
    </dialog>
  );
}

/** Show a dialog from anywhere; resolves with what it was ended with, null if it was closed. */
export function opened<T>(title: string, content: (end: (value: T | null) => void) => ComponentChildren): Promise<T | null> {
  return new Promise((resolve) => {
    const place = document.createElement("div");
    document.body.append(place);
    const end = (value: T | null) => {
      render(null, place);
      place.remove();
      resolve(value);
    };
    render(<Dialog title={title} onClose={() => end(null)}>{content(end)}</Dialog>, place);
  });
}

interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly action: string;
  readonly isDangerous?: boolean;
}

/** Ask whether to go on. */
export async function isSure({ title, text, action, isDangerous = false }: Question): Promise<boolean> {
  const answer = await opened<true>(title, (end) => (
    <div class="stack">
      <div>{text}</div>
      <div class="row actions">
        <button type="button" class="button" onClick={() => end(null)}>{t("cancel")}</button>
        <button type="button" class={`button ${isDangerous ? "danger" : "primary"}`} onClick={() => end(true)}>{action}</button>
      </div>
    </div>
  ));
  return answer === true;
}
