// Short messages at the edge of the page, at most a handful, gone by themselves unless they are bad.

import { signal } from "@preact/signals";
import { ApiError } from "@/api/errors";
import { t } from "./texts";

export type NoticeKind = "good" | "bad" | "plain";
interface Notice {
  readonly id: number;
  readonly kind: NoticeKind;
  readonly text: string;
  readonly detail: string;
}

const SHOWN_MOST = 4;
const LASTS_MS = 5_000;
const notices = signal<readonly Notice[]>([]);
let lastId = 0;

/** Show a message; a bad one stays until it is dismissed or pushed out. */
export function notify(kind: NoticeKind, text: string, detail = ""): void {
  lastId += 1;
  const id = lastId;
  notices.value = [...notices.value, { id, kind, text, detail }].slice(-SHOWN_MOST);
  if (kind !== "bad") setTimeout(() => dismiss(id), LASTS_MS);
}

/** Show what went wrong, with what the exchange says of the fields. */
export function notifyError(thrown: unknown): void {
  if (thrown instanceof ApiError) {
    notify("bad", thrown.message, thrown.details.map((detail) => detail.message).join(" "));
  } else if (thrown instanceof Error && thrown.name !== "AbortError") notify("bad", thrown.message);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices() {
  return (
    <div class="notices" role="log" aria-live="polite" aria-label={t("notices")}>
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice ${notice.kind}`}>
          <p>
            {notice.text}
            {notice.detail !== "" && notice.detail !== notice.text && <small>{notice.detail}</small>}
          </p>
          <button class="button bare small" onClick={() => dismiss(notice.id)} aria-label={t("dismiss")}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
