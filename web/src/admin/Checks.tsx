// What the on-line checker looked at, when and for how long; what it found, what that halted, and an admin's word on it.

import { useSignal } from "@preact/signals";
import { fresh } from "@/account/proofs/fresh";
import { rest } from "@/api/rest";
import type { CheckerView, FindingView } from "@/api/schema";
import { DataTable, Failed, ListTable, Panel, Waiting, type Column } from "@/parts/DataTable";
import { opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useListed, useLoaded } from "@/parts/loading";
import { user } from "@/session/session";
import { notify } from "@/shell/notices";
import { moment } from "@/units/time";
import { t } from "./checkTexts";

const EVERY_MS = 10_000;
const SILENT_MS = 900_000;
/** A course that wasn't whole for so many rounds is late. */
const LATE_ROUNDS = 2;
const COURSES = ["new-commands", "new-lines", "balances", "orders", "bets", "commands", "lines"] as const;
const WHICH = ["OPEN", "ACKNOWLEDGED"] as const;

export function Checks() {
  const look = useLoaded((signal) => rest.call("get", "/admin/checker", { signal }), [], EVERY_MS);
  const now = look.data?.data ?? null;
  if (now === null) return look.error === null ? <Waiting /> : <Failed error={look.error} reload={look.reload} />;
  return (
    <div class="stack">
      <Standing of={now} />
      <Findings count={now.openFindings} reload={look.reload} />
      <Panel title={t("compared")} isPlain><Courses of={now} /></Panel>
    </div>
  );
}

function Standing({ of }: { of: CheckerView }) {
  const isSilent = of.lookedAt === null || Date.now() - Date.parse(of.lookedAt) > SILENT_MS;
  return (
    <>
      {isSilent && <p class="note" role="status">{t("silent")}</p>}
      <dl class="figures" aria-label={t("checker")} data-checker>
        <div><dt>{t("lookedAt")}</dt><dd data-figure="looked">{of.lookedAt === null ? t("never") : moment(of.lookedAt)}</dd></div>
        <div><dt>{t("took")}</dt><dd data-figure="took">{of.tookMs === null ? "–" : `${(of.tookMs / 1_000).toFixed(2)} s`}</dd></div>
        <div><dt>{t("seq")}</dt><dd>{of.seq ?? "–"}</dd></div>
        <div><dt>{t("open")}</dt><dd data-figure="open">{of.openFindings > 0 ? <span class="down">{of.openFindings}</span> : 0}</dd></div>
        <div><dt>{t("round")}</dt><dd>{t("hours", { count: Math.round((of.roundSeconds / 3_600) * 10) / 10 })}</dd></div>
        <div><dt>{t("halts")}</dt><dd>{t(of.halts ? "on" : "off")}{!of.halts && <small>{t("offWhy")}</small>}</dd></div>
      </dl>
    </>
  );
}

function Courses({ of }: { of: CheckerView }) {
  const stood = new Map(of.courses.map((course) => [course.name, course]));
  const lateMs = LATE_ROUNDS * of.roundSeconds * 1_000;
  const rows = [
    { name: "sums" as const, place: of.seq, through: t("sumsWhen"), isLate: false },
    ...COURSES.map((name) => {
      const course = stood.get(name);
      const isLate = course !== undefined && Date.now() - Date.parse(course.completedAt ?? course.beganAt) > lateMs;
      const ended = course?.completedAt ?? null;
      return { name, place: course?.reached ?? null, through: ended === null ? t("never") : moment(ended), isLate };
    }),
  ];
  return (
    <DataTable
      caption={t("compared")}
      rows={rows}
      keyOf={(row) => row.name}
      columns={[
        { title: t("course"), cell: (row) => <strong>{t(row.name)}</strong> },
        { title: t("what"), cell: (row) => t(`${row.name}What`) },
        { title: t("place"), cell: (row) => row.place ?? "–", isNumber: true },
        { title: t("through"), cell: (row) => <>{row.through} {row.isLate && <span class="badge warn">{t("late")}</span>}</> },
      ]}
    />
  );
}

function Findings({ count, reload }: { count: number; reload: () => void }) {
  const which = useSignal<(typeof WHICH)[number]>("OPEN");
  const list = useListed((cursor, signal) => rest.call("get", "/admin/findings", { query: { status: which.value, cursor, limit: 50 }, signal }), [which.value, count]);
  const acknowledge = async (finding: FindingView) => {
    if ((await opened<true>(t("acknowledge"), (end) => <Acknowledging finding={finding} onDone={() => end(true)} />)) !== true) return;
    notify("good", t("acknowledged"));
    list.reload();
    reload();
  };
  const word: Column<FindingView> = {
    title: "",
    cell: (one) => one.acknowledgedAt !== null ? <span class="quiet">{moment(one.acknowledgedAt)} · {one.note}</span> : user.value?.role === "ADMIN" && <button class="button small" onClick={() => void acknowledge(one)}>{t("acknowledge")}</button>,
  };
  const choice = (
    <div class="segments" role="group" aria-label={t("which")}>
      {WHICH.map((one) => <button key={one} aria-pressed={which.value === one} onClick={() => (which.value = one)}>{t(one)}</button>)}
    </div>
  );
  return (
    <Panel title={t("findings")} isPlain actions={choice}>
      <ListTable<FindingView>
        caption={t("findings")}
        list={list}
        empty={t(which.value === "OPEN" ? "fine" : "nothing")}
        keyOf={(one) => one.id}
        columns={[
          { title: t("found"), cell: (one) => <>{moment(one.foundAt)}{one.times > 1 && <small class="quiet"> {t("times", { count: one.times, time: moment(one.seenAt) })}</small>}</> },
          { title: t("where"), cell: (one) => <Where of={one} /> },
          { title: t("check"), cell: (one) => <><strong>{one.check}</strong> {one.subject}</> },
          { title: t("expected"), cell: (one) => one.expected },
          { title: t("seen"), cell: (one) => one.seen },
          { title: t("halted"), cell: (one) => <span class={one.halts ? "badge warn" : "badge"}>{!one.halts ? t("haltsNot") : one.haltedAt === null ? t("notYet") : moment(one.haltedAt)}</span> },
          word,
        ]}
      />
    </Panel>
  );
}

function Where({ of }: { of: FindingView }) {
  if (of.slug !== null) return <a href={`/admin/markets/${encodeURIComponent(of.slug)}`}>{of.slug}</a>;
  return <>{of.marketId ?? t("exchange")}</>;
}

function Acknowledging({ finding, onDone }: { finding: FindingView; onDone: () => void }) {
  const note = useSignal("");
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    await fresh(() => rest.call("post", "/admin/findings/{id}/acknowledge", { path: { id: finding.id }, body: { note: note.value.trim() } }));
    onDone();
  };
  return (
    <form class="stack" onSubmit={on(send)}>
      <p><strong>{finding.check}</strong> {finding.subject}: {finding.seen}</p>
      <p class="quiet">{t("acknowledgeWhy")}</p>
      <TextField label={t("note")} name="note" value={note} problem={problem.value} isRequired isLong maxLength={500} autocomplete="off" />
      <Problem problem={problem.value} fields={["note"]} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("acknowledge")}</button></div>
    </form>
  );
}
