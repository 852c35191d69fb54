// Asking: the question, how deep to go and what that costs, and what is left of the month.
//
// Law: a question goes out under an id of its own, and is asked for again under it until its answer is known.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { ResearchBody, ResearchBudgetView, SearchView, WholeResearchView } from "@/api/schema";
import { Failed, Waiting } from "@/parts/DataTable";
import { Choice, Problem, TextField, useSending, type Sending } from "@/parts/Form";
import { useLoaded, type Loaded } from "@/parts/loading";
import { Attempts } from "@/session/attempts";
import { centsOf, centsText } from "./content";
import { Found } from "./Found";
import { t } from "./texts";

const KINDS = ["lite", "base", "core", "pro", "ultra"] as const;
type Kind = (typeof KINDS)[number] | "search";
const MONTH_EVERY_MS = 15_000;
const LONGEST = 2_000;
const LONGEST_SEARCH = 500;
const questions = new Attempts<ResearchBody>("research");

interface AskProps {
  /** The market that it is about, where it is about one. */
  readonly marketId?: string;
  readonly onAsked: (made: WholeResearchView) => void;
}

export function Ask({ marketId, onAsked }: AskProps) {
  const budget = useLoaded(async (signal) => (await rest.call("get", "/research/budget", { signal })).data, [], MONTH_EVERY_MS);
  const query = useSignal("");
  const kind = useSignal<Kind>("base");
  const format = useSignal<"text" | "auto">("text");
  const found = useSignal<SearchView | null>(null);
  const sending = useSending();
  const asked = async (body: ResearchBody) => {
    const made = await questions.run(body, async (attempt) => (await rest.call("post", "/research", { body: { ...attempt.body, requestId: attempt.id } })).data);
    query.value = "";
    onAsked(made);
  };
  const send = async () => {
    const words = query.value.trim();
    found.value = null;
    try {
      if (kind.value === "search") found.value = (await rest.call("post", "/research/search", { body: { query: words, numResults: 10 } })).data;
      else await asked({ query: words, processor: kind.value, outputFormat: format.value, ...(marketId === undefined ? {} : { marketId }) });
    } finally {
      budget.reload();
    }
  };
  if (budget.data === null) return budget.error === null ? <Waiting /> : <Failed error={budget.error} reload={budget.reload} />;
  if (!budget.data.available) return <p class="note" data-off>{t("off")}</p>;
  const open = questions.open;
  // Whatever is asked now, it is the one of before that is asked for.
  if (open !== null && !sending.isBusy.value) return <Lost sending={sending} findOut={() => asked(open.body)} leave={() => questions.forget(open)} />;
  const cost = costOf(budget.data, kind.value);
  return (
    <form class="stack ask" onSubmit={sending.on(send)}>
      <TextField label={t("question")} name="query" value={query} problem={sending.problem.value} hint={t(marketId === undefined ? "questionHint" : "aboutMarket")} placeholder={t("example")} maxLength={kind.value === "search" ? LONGEST_SEARCH : LONGEST} isLong isRequired />
      <fieldset class="kinds">
        <legend class="label">{t("kind")}</legend>
        {[...KINDS, "search" as const].map((one) => (
          <label key={one} class="kind">
            <input type="radio" name="kind" value={one} checked={kind.value === one} onChange={() => (kind.value = one)} />
            <span><strong>{t(one)}</strong> <small class="quiet">{t(`${one}What`)}</small></span>
            <span class="num">{t("costs", { cost: centsText(costOf(budget.data ?? null, one)) })}</span>
          </label>
        ))}
      </fieldset>
      {kind.value !== "search" && <Choice label={t("format")} name="outputFormat" value={format} choices={[["text", t("text")], ["auto", t("auto")]]} />}
      <Left of={budget} />
      {centsOf(cost) > centsOf(budget.data.left) && <p class="note">{t("tooDear")}</p>}
      <Problem problem={sending.problem.value} fields={["query"]} />
      <div><button class="button primary" data-ask disabled={sending.isBusy.value}>{sending.isBusy.value ? `${t("asking")} …` : t(kind.value === "search" ? "sendSearch" : "send", { cost: centsText(cost) })}</button></div>
      {found.value !== null && <Found view={found.value} />}
    </form>
  );
}

function costOf(budget: ResearchBudgetView | null, kind: Kind): string {
  if (budget === null) return "0.00";
  return kind === "search" ? budget.searchCost : (budget.costs.find((one) => one.processor === kind)?.cost ?? "0.00");
}

function Left({ of }: { of: Loaded<ResearchBudgetView> }) {
  if (of.data === null) return null;
  const { left, budget, held, month } = of.data;
  return (
    <p class="quiet small" data-left>
      {t("left", { left: centsText(left), budget: centsText(budget), month })}
      {centsOf(held) > 0n && <> · {t("held", { held: centsText(held) })}</>}
    </p>
  );
}

function Lost({ sending, findOut, leave }: { sending: Sending; findOut: () => Promise<void>; leave: () => void }) {
  return (
    <div class="stack" data-lost>
      <p class="note" role="status">{t("lost")}</p>
      <Problem problem={sending.problem.value} />
      <div class="row">
        <button class="button primary" onClick={() => void sending.run(findOut)}>{t("findOut")}</button>
        <button class="button" onClick={leave}>{t("leaveIt")}</button>
      </div>
    </div>
  );
}
