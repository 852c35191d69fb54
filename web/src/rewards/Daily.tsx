// The credits of the day: how long the streak is, what today is worth, and the one press that claims it.
//
// Law: a day is claimed once, whatever becomes of an answer: asked again, the exchange says that it was.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import { now } from "@/feed/line";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { notify } from "@/shell/notices";
import { cashOf, formatCash, formatGain } from "@/units/money";
import { moment, untilThen } from "@/units/time";
import { stepsOf } from "./streak";
import { t } from "./texts";

const DAY_MS = 86_400_000;
/** So often it is asked whether the day has turned for the exchange, too, for a minute: its clock decides. */
const AGAIN_MS = 5_000;
/** And so often then: this one's is far ahead. */
const LATER_MS = 60_000;

/** What one is told of a refusal: none of them has cost anything. */
function wordsOf(code: string): string | null {
  if (code === "MAX_USER_CREDITS") return t("MAX_USER_CREDITS");
  return code === "OFFLINE" || code === "UNKNOWN_OUTCOME" ? t("lost") : null;
}

export function Daily() {
  const standing = useLoaded((signal) => rest.call("get", "/economy/daily-credits", { signal }), []);
  const problem = useSignal<{ readonly code: string; readonly text: string } | null>(null);
  const isBusy = useSignal(false);
  const given = useSignal<string | null>(null);
  const shown = standing.data?.data ?? null;
  // What is told holds until the next day is there, or the one that wasn't claimed is over.
  const holds = shown === null ? Infinity : Date.parse(shown.availableAt) + (shown.claimed ? 0 : DAY_MS);
  const past = now.value - holds;
  const due = past < 0 ? null : Math.floor(past < LATER_MS ? past / AGAIN_MS : LATER_MS / AGAIN_MS + past / LATER_MS);
  useEffect(() => {
    // The day has turned: what is there to be claimed now?
    if (due === null) return;
    given.value = null;
    standing.reload();
  }, [due]);
  if (standing.isFirst) return <Waiting />;
  if (standing.error?.code === "NOT_FOUND") return <p class="empty">{t("none")}</p>;
  if (shown === null) return <Failed error={standing.error} reload={standing.reload} />;
  const done = shown.streak - 1;
  const claim = async () => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    problem.value = null;
    try {
      const { data } = await rest.call("post", "/economy/daily-credits");
      given.value = data.amount;
      notify("good", t("got", { amount: formatGain(cashOf(data.amount)) }));
    } catch (thrown) {
      const error = asApiError(thrown);
      // It was claimed before, be it by a call whose answer was lost.
      if (error.code !== "CONFLICT") problem.value = { code: error.code, text: wordsOf(error.code) ?? error.message };
    } finally {
      isBusy.value = false;
    }
    standing.reload();
  };
  return (
    <div class="stack">
      <Panel title={t("today")}>
        <div class="daily">
          <p class="days" data-streak={done}><strong>{done === 0 ? t("noDays") : done === 1 ? t("oneDay") : t("days", { count: done })}</strong></p>
          <ol class="steps" aria-label={t("streak")}>
            {stepsOf(shown.streak).map((step) => (
              <li key={step.day} class={step.isDone ? "done" : step.isNext ? "next" : ""} aria-current={step.isNext ? "step" : undefined}>
                <span class="visually-hidden">{t(step.isDone ? "dayDone" : "dayIs", { day: step.day, multiplier: step.multiplier })}</span>
                <span aria-hidden="true" class="day">{step.isDone ? "✓" : step.day}</span>
                <small aria-hidden="true">×{step.multiplier.slice(0, -1)}</small>
              </li>
            ))}
          </ol>
          {shown.claimed ? (
            <p class="claimed" role="status" data-claimed><span aria-hidden="true">✓</span> <strong>{given.value === null ? t("claimed") : t("got", { amount: formatGain(cashOf(given.value)) })}</strong><br /><span class="quiet" title={moment(shown.availableAt)}>{t("next", { amount: formatCash(cashOf(shown.amount)), time: untilThen(shown.availableAt, now.value - (now.value % 60_000)) })}</span></p>
          ) : (
            <button type="button" class="button primary big" data-claim disabled={isBusy.value} onClick={() => void claim()}>{isBusy.value ? `${t("claiming")} …` : t("claim", { amount: formatCash(cashOf(shown.amount)) })}</button>
          )}
          {problem.value !== null && !shown.claimed && <p class="problem" role="alert" data-refused={problem.value.code}>{problem.value.text}</p>}
          <p class="quiet small">{t("streakWhy")}</p>
        </div>
      </Panel>
      <p><a href="/portfolio/transactions">{t("movements")}</a></p>
    </div>
  );
}
