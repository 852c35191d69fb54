// A new market, as those who trade will see it.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { MarketBody } from "@/api/schema";
import { Panel } from "@/parts/DataTable";
import { Check, Choice, Problem, TextField, useSending } from "@/parts/Form";
import { notify } from "@/shell/notices";
import { navigate } from "@/shell/router";
import { moment, momentOf } from "@/units/time";
import { t } from "./texts";

const FIELDS = ["slug", "question", "description", "category", "closeTime", "takerFee", "makerFee", "tickSize", "outcomes"];
/** So long a name of an outcome may be. */
const LABEL_LENGTH = 80;

/** A question as part of an address: "Will it rain?" -> "will-it-rain". */
export function slugOf(question: string): string {
  return question.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60).replace(/-+$/, "");
}

export function NewMarket() {
  const question = useSignal("");
  const slug = useSignal("");
  const description = useSignal("");
  const category = useSignal("");
  const closeTime = useSignal("");
  const tickSize = useSignal<"0.01" | "0.001" | "0.0001">("0.01");
  const takerFee = useSignal("0");
  const makerFee = useSignal("0");
  const draft = useSignal(false);
  const yesName = useSignal("");
  const noName = useSignal("");
  const { problem, isBusy, on } = useSending();
  const named = slug.value.trim() || slugOf(question.value);
  const outcomes: [string, string] = [yesName.value.trim() || "Yes", noName.value.trim() || "No"];
  const isNamed = yesName.value.trim() !== "" || noName.value.trim() !== "";
  const send = async () => {
    const body: MarketBody = {
      slug: named,
      question: question.value.trim(),
      description: description.value.trim(),
      category: category.value.trim(),
      closeTime: closeTime.value === "" ? "" : momentOf(closeTime.value).toISOString(),
      tickSize: tickSize.value,
      takerFee: takerFee.value.trim(),
      makerFee: makerFee.value.trim(),
      draft: draft.value,
      ...(isNamed ? { outcomes } : {}),
    };
    const answer = await rest.call("post", "/markets", { body });
    notify("good", t("made"));
    navigate(`/admin/markets/${encodeURIComponent(answer.data.slug)}`);
  };
  return (
    <div class="columns">
      <Panel title={t("create")}>
        <form class="stack" onSubmit={on(send)}>
          <TextField label={t("question")} name="question" value={question} problem={problem.value} isRequired autocomplete="off" />
          <TextField label={t("slug")} name="slug" value={slug} problem={problem.value} placeholder={slugOf(question.value)} hint={t("slugHint")} autocomplete="off" />
          <TextField label={t("description")} name="description" value={description} problem={problem.value} isLong autocomplete="off" />
          <TextField label={t("category")} name="category" value={category} problem={problem.value} autocomplete="off" />
          <TextField label={t("yesName")} name="outcomes" value={yesName} problem={problem.value} placeholder="Yes" maxLength={LABEL_LENGTH} autocomplete="off" />
          <TextField label={t("noName")} name="outcomes" value={noName} problem={problem.value} placeholder="No" hint={t("namesHint")} maxLength={LABEL_LENGTH} autocomplete="off" />
          <TextField label={t("closeTime")} name="closeTime" type="datetime-local" value={closeTime} problem={problem.value} isRequired />
          <Choice label={t("tick")} name="tickSize" value={tickSize} choices={[["0.01", "0.01"], ["0.001", "0.001"], ["0.0001", "0.0001"]]} />
          <TextField label={t("fee")} name="takerFee" value={takerFee} problem={problem.value} inputMode="decimal" />
          <TextField label={t("makerFee")} name="makerFee" value={makerFee} problem={problem.value} inputMode="decimal" />
          <Check label={t("draft")} value={draft} />
          <Problem problem={problem.value} fields={FIELDS} />
          <div><button class="button primary" disabled={isBusy.value}>{t("makeMarket")}</button></div>
        </form>
      </Panel>
      <Panel title={t("preview")}>
        <p class="row"><span class="badge">{category.value || t("empty")}</span><span class="badge">{draft.value ? "DRAFT" : "OPEN"}</span></p>
        <h2 class="question">{question.value || t("empty")}</h2>
        <p class="prose">{description.value || t("empty")}</p>
        <dl class="facts">
          <dt>{t("outcomes")}</dt><dd>{outcomes.join(" / ")}</dd>
          <dt>{t("closesIn")}</dt><dd>{closeTime.value === "" ? t("empty") : moment(momentOf(closeTime.value))}</dd>
          <dt>{t("tick")}</dt><dd>{tickSize.value}</dd>
          <dt>{t("fee")} / {t("makerFee")}</dt><dd>{takerFee.value} / {makerFee.value}</dd>
          <dt>{t("slug")}</dt><dd class="mono">/trade/{named}</dd>
        </dl>
      </Panel>
    </div>
  );
}
