// Research on the market that is looked at, in a dialog over its page: asking, one's questions on it, and their answers.

import { useSignal } from "@preact/signals";
import { Answer } from "./Answer";
import { Ask } from "./Ask";
import { Questions } from "./Questions";
import { t } from "./texts";
import "@/parts/parts.css";
import "./research.css";

export function ResearchHere({ marketId }: { marketId: string }) {
  const shown = useSignal<string | null>(null);
  const turn = useSignal(0);
  const all = () => {
    shown.value = null;
    turn.value += 1;
  };
  return (
    <div class="research stack" data-research-here>
      {shown.value !== null ? (
        <>
          <div><button type="button" class="button small" onClick={all}>← {t("back")}</button></div>
          <Answer key={shown.value} id={shown.value} isHere onRemoved={all} />
        </>
      ) : (
        <>
          <Ask marketId={marketId} onAsked={(made) => (shown.value = made.id)} />
          <section class="stack" aria-label={t("here")}>
            <h3>{t("here")}</h3>
            <Questions marketId={marketId} turn={turn.value} onShow={(id) => (shown.value = id)} />
          </section>
        </>
      )}
    </div>
  );
}
