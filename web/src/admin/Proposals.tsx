// What one admin has proposed and another one approves or rejects.

import { fresh } from "@/account/proofs/fresh";
import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { ProposalView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { isSure, opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { user } from "@/session/session";
import { notify, notifyError } from "@/shell/notices";
import { moment } from "@/units/time";
import { t } from "./texts";

export function Proposals() {
  const list = useListed((cursor, signal) => rest.call("get", "/admin/proposals", { query: { cursor, limit: 50 }, signal }), []);
  const approve = async (proposal: ProposalView) => {
    if (!(await isSure({ title: `${t("approve")}: ${proposal.action}`, text: <div class="stack"><p>{t("approveWhy")}</p><Body of={proposal} /></div>, action: t("approve") }))) return;
    try {
      const answer = await fresh(() => rest.call("post", "/admin/proposals/{id}/approve", { path: { id: proposal.id } }));
      notify(answer.data.status === "DONE" ? "good" : "bad", answer.data.outcome ?? answer.data.status);
    } catch (error) {
      notifyError(error);
    }
    list.reload();
  };
  const reject = async (proposal: ProposalView) => {
    await opened<true>(t("reject"), (end) => <Rejecting proposal={proposal} onDone={() => end(true)} />);
    list.reload();
  };
  return (
    <Panel title={t("proposals")} isPlain>
      <ListTable
        caption={t("proposals")}
        list={list}
        empty={t("noProposals")}
        keyOf={(proposal) => proposal.id}
        columns={[
          { title: t("created"), cell: (proposal) => moment(proposal.createdAt) },
          { title: t("action"), cell: (proposal) => <Body of={proposal} /> },
          { title: t("reason"), cell: (proposal) => proposal.reason },
          { title: t("proposer"), cell: (proposal) => <a href={`/admin/users/${proposal.proposerId}`}>{proposal.proposerId}</a> },
          { title: t("status"), cell: (proposal) => <span class={proposal.status === "OPEN" ? "badge warn" : "badge"}>{proposal.status}</span> },
          {
            title: "",
            cell: (proposal) => proposal.status === "OPEN" && (
              <span class="row">
                {proposal.proposerId !== user.value?.id && <button class="button small primary" onClick={() => void approve(proposal)}>{t("approve")}</button>}
                <button class="button small danger" onClick={() => void reject(proposal)}>{t("reject")}</button>
              </span>
            ),
          },
        ]}
      />
    </Panel>
  );
}

function Body({ of }: { of: ProposalView }) {
  return <span><strong>{of.action}</strong> {of.target} <span class="mono">{JSON.stringify(of.body)}</span></span>;
}

function Rejecting({ proposal, onDone }: { proposal: ProposalView; onDone: () => void }) {
  const reason = useSignal("");
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    await fresh(() => rest.call("post", "/admin/proposals/{id}/reject", { path: { id: proposal.id }, body: { reason: reason.value.trim() } }));
    onDone();
  };
  return (
    <form class="stack" onSubmit={on(send)}>
      <Body of={proposal} />
      <TextField label={t("rejectReason")} name="reason" value={reason} problem={problem.value} isRequired autocomplete="off" />
      <Problem problem={problem.value} fields={["reason"]} />
      <div class="row actions"><button class="button danger" disabled={isBusy.value}>{t("reject")}</button></div>
    </form>
  );
}
