// One question: how it stands, and its answer with what that rests on.

import { useEffect, useRef } from "preact/hooks";
import { rest } from "@/api/rest";
import type { ResearchView, SourceView, WholeResearchView } from "@/api/schema";
import { newer, useTold } from "@/feed/topics";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { useLoaded } from "@/parts/loading";
import { notify, notifyError } from "@/shell/notices";
import { t as parts } from "@/parts/texts";
import { moment } from "@/units/time";
import { centsText, fieldsOf } from "./content";
import { Excerpts, Outside } from "./Found";
import { t } from "./texts";

const EVERY_MS = 10_000;
/** The field by which the service calls the whole of a text. */
const WHOLE = "output";

interface AnswerProps {
  readonly id: string;
  /** Whether it is shown on the page of its market. */
  readonly isHere?: boolean;
  readonly onRemoved: () => void;
}

export function Answer({ id, isHere = false, onRemoved }: AnswerProps) {
  const read = useRef<WholeResearchView | null>(null);
  const load = async (signal: AbortSignal): Promise<WholeResearchView> => {
    const known = read.current;
    // What has ended stays as it is.
    if (known !== null && known.endedAt !== null) return known;
    return (read.current = (await rest.call("get", "/research/{id}", { path: { id }, signal })).data);
  };
  const found = useLoaded(load, [id], EVERY_MS);
  const told = useTold("research_updated", found.data === null ? [] : [found.data], found.reload, () => false).get(id);
  // The message that it has ended is without its answer: that is read.
  const isToRead = (told?.endedAt ?? null) !== null && found.data?.endedAt === null;
  useEffect(() => {
    if (isToRead) found.reload();
  }, [isToRead]);
  if (found.data === null) return found.error === null ? <Waiting /> : <Failed error={found.error} reload={found.reload} />;
  const now = asTold(found.data, told);
  const remove = async () => {
    if (await removed(now.id)) onRemoved();
  };
  return (
    <article class="stack question" data-question={now.id}>
      <header class="stack">
        <h2 class="words">{now.query}</h2>
        <p class="row">
          <Status of={now} />
          <span class="quiet small">{moment(now.createdAt)} · {t(now.processor)}, {t(`format_${now.outputFormat}`)} · {t(now.endedAt === null ? "holds" : "paid", { cost: centsText(now.cost) })}</span>
          <button class="button small danger" onClick={() => void remove()}>{t("remove")}</button>
        </p>
        {now.marketId !== null && !isHere && <p class="small">{t("market")}: <a href={`/trade/${encodeURIComponent(now.marketId)}`}>{now.question ?? now.marketId}</a></p>}
      </header>
      {now.cached && <p class="quiet small" data-cached>{t("cachedWhy")}</p>}
      {now.endedAt === null ? <Going of={now} /> : now.status === "FAILED" ? <p class="note" role="alert" data-failed>{t("failedWhy", { reason: now.error ?? "–" })}</p> : <Content of={found.data} />}
    </article>
  );
}

/** How a question stands: a message doesn't say its market's question, which stays. */
export function asTold<R extends ResearchView>(read: R, told: ResearchView | undefined): R {
  const now = newer<ResearchView>(read, told);
  return now === read ? read : { ...read, ...now, question: read.question };
}

export function Status({ of }: { of: ResearchView }) {
  const percent = of.status === "RUNNING" && of.progress.percent !== null ? ` ${of.progress.percent}\u202f%` : "";
  return (
    <>
      <span class={`badge ${of.status === "FAILED" || of.status === "UNKNOWN" ? "warn" : ""}`} data-status={of.status}>{t(of.status)}{percent}</span>
      {of.cached && <> <span class="badge">{t("cached")}</span></>}
    </>
  );
}

/** Delete a question once somebody has said that it is meant; returns whether it is gone. */
export async function removed(id: string): Promise<boolean> {
  if (!(await isSure({ title: t("removeIt"), text: t("removeItWhy"), action: t("remove"), isDangerous: true }))) return false;
  try {
    await rest.call("delete", "/research/{id}", { path: { id } });
    return true;
  } catch (error) {
    notifyError(error);
    return false;
  }
}

function Going({ of }: { of: ResearchView }) {
  const { percent, sourcesConsidered, sourcesRead, message } = of.progress;
  const status = of.status === "COMPLETED" || of.status === "FAILED" ? "RUNNING" : of.status;
  const counted = [sourcesConsidered === null ? null : t("considered", { count: sourcesConsidered }), sourcesRead === null ? null : t("readOf", { count: sourcesRead })].filter((one) => one !== null);
  return (
    <div class="stack going" data-going>
      <p role="status">{t(`${status}Why`)}</p>
      {status === "RUNNING" && (percent === null ? <progress aria-label={t("progress")} /> : <progress max={100} value={percent} aria-label={t("progress")} />)}
      {counted.length > 0 && <p class="quiet small">{counted.join(", ")}</p>}
      {message !== null && <p class="quiet small words">{t("lately", { message })}</p>}
    </div>
  );
}

function Content({ of }: { of: WholeResearchView }) {
  const content = of.content ?? "";
  const fields = of.contentType === "json" ? fieldsOf(content) : null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(content);
      notify("good", parts("copied"));
    } catch {
      notify("bad", parts("copyFailed")); // no permission, or no secure context
    }
  };
  return (
    <>
      <Panel title={t("answer")} actions={<button type="button" class="button small" onClick={() => void copy()}>{t("copy")}</button>}>
        {fields !== null ? (
          <dl class="answer-fields" data-answer>{fields.map((field) => <div key={field.name}><dt>{field.name}</dt><dd class="words">{field.text}</dd></div>)}</dl>
        ) : (
          <p class="words" data-answer>{content === "" ? t("empty") : content}</p>
        )}
        <p class="quiet small">{t("foreign")}</p>
      </Panel>
      <Panel title={t("sources")}>
        {of.sources.length === 0 ? <p class="quiet">{t("noSources")}</p> : of.sources.map((source, index) => <Source key={index} of={source} />)}
      </Panel>
    </>
  );
}

function Source({ of }: { of: SourceView }) {
  return (
    <section class="stack source" aria-label={of.field === WHOLE ? t("sources") : t("of", { field: of.field })}>
      {of.field !== WHOLE && <h3>{t("of", { field: of.field })}</h3>}
      {of.reasoning !== "" && <p class="words">{of.reasoning}</p>}
      {of.confidence !== null && <p class="quiet small">{t("confidence", { confidence: of.confidence })}</p>}
      <ol class="pages">
        {of.citations.map((citation, index) => (
          <li key={index} data-citation>
            <Outside url={citation.url} title={citation.title} />
            <Excerpts of={citation.excerpts} />
          </li>
        ))}
      </ol>
    </section>
  );
}
