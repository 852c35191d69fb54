// The slider over a market's past: which moment the ladder and the depth show, and the way back to now.

import { useEffect, useRef } from "preact/hooks";
import { exact, momentOf } from "@/units/time";
import type { Past } from "./past";
import { t } from "./texts";

export function PastBar({ past, onLeave }: { past: Past; onLeave: () => void }) {
  const slider = useRef<HTMLInputElement>(null);
  const shown = past.shown.value;
  const when = shown === null ? "…" : t("pastAt", { when: exact(shown.at), seq: shown.seq });
  useEffect(() => slider.current?.focus(), [past]);
  const step = (by: number) => past.go({ atSeq: (past.wished.peek() ?? past.newest) + by });
  const jump = (event: Event) => {
    const time = momentOf((event.currentTarget as HTMLInputElement).value);
    if (!Number.isNaN(time.getTime())) past.go({ at: time.toISOString() });
  };
  return (
    <section class="past-bar" aria-label={t("past")} data-past={shown?.seq}>
      <strong class="badge warn">{t("showPast")}</strong>
      <button class="button small" aria-label={t("pastBack")} onClick={() => step(-1)}>‹</button>
      <input ref={slider} type="range" min={1} max={past.newest} value={past.wished.value} aria-label={t("past")} aria-valuetext={when} onInput={(event) => past.go({ atSeq: Number(event.currentTarget.value) })} />
      <button class="button small" aria-label={t("pastOn")} onClick={() => step(1)}>›</button>
      <span class="when" role="status">{when}{shown !== null && ` · ${t("sum")} ${t(shown.isSumRight ? "sumRight" : "sumWrong")}`}</span>
      <label class="row jump">{t("pastTime")} <input class="input" type="datetime-local" step={1} onChange={jump} /></label>
      <button class="button small primary" onClick={onLeave}>{t("backToLive")}</button>
      {past.problem.value !== null && <p class="warned" role="alert">{past.problem.value}</p>}
    </section>
  );
}
