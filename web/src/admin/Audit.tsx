// The audit log: who did what, to whom, and what came of it.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import { ListTable, Panel } from "@/parts/DataTable";
import { TextField } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { moment } from "@/units/time";
import { t } from "./texts";

interface Query {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  readonly outcome?: string | undefined;
}

export function AuditTable({ title, query, turn = 0 }: { title: string; query: Query; turn?: number }) {
  const list = useListed(
    (cursor, signal) => rest.call("get", "/admin/audit", { query: { cursor, limit: 50, ...query }, signal }),
    [query.actor, query.action, query.target, query.outcome, turn],
  );
  return (
    <Panel title={title} isPlain>
      <ListTable
        caption={title}
        list={list}
        keyOf={(line) => line.id}
        columns={[
          { title: t("time"), cell: (line) => moment(line.at) },
          { title: t("actor"), cell: (line) => (line.actorId === null ? "–" : <a href={`/admin/users/${line.actorId}`}>{line.actorId}</a>) },
          { title: t("action"), cell: (line) => line.action },
          { title: t("target"), cell: (line) => line.target ?? "–" },
          { title: t("result"), cell: (line) => <span class={line.outcome === "ok" ? "badge" : "badge warn"}>{line.outcome}</span> },
          { title: t("request"), cell: (line) => <span class="mono">{line.requestId}</span>, isExtra: true },
        ]}
      />
    </Panel>
  );
}

export function Audit() {
  const actor = useSignal("");
  const action = useSignal("");
  const target = useSignal("");
  const outcome = useSignal("");
  const given = (text: string) => text.trim() || undefined;
  return (
    <div class="stack">
      <div class="panel filters">
        <TextField label={t("actor")} name="actor" value={actor} inputMode="numeric" autocomplete="off" />
        <TextField label={t("action")} name="action" value={action} autocomplete="off" />
        <TextField label={t("target")} name="target" value={target} placeholder="user:7" autocomplete="off" />
        <TextField label={t("result")} name="outcome" value={outcome} placeholder="ok" autocomplete="off" />
      </div>
      <AuditTable title={t("audit")} query={{ actor: given(actor.value), action: given(action.value), target: given(target.value), outcome: given(outcome.value) }} />
    </div>
  );
}
