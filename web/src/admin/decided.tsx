// What is dear: done alone where one admin may, proposed where it takes two (`PROPOSAL_REQUIRED`).

import { useSignal } from "@preact/signals";
import { fresh } from "@/account/proofs/fresh";
import { asApiError } from "@/api/errors";
import { rest } from "@/api/rest";
import type { Action, ProposalBody } from "@/api/schema";
import { opened } from "@/parts/Dialog";
import { Problem, TextField, useSending } from "@/parts/Form";
import { notify } from "@/shell/notices";
import { t } from "./texts";

export interface Deed {
  readonly action: Action;
  readonly target: string | null;
  /** What the call that does it alone takes. */
  readonly body: object;
}

/** Do something, or propose it where one alone may not; returns whether either was done. */
export async function decided(deed: Deed, alone: () => Promise<unknown>): Promise<"done" | "proposed" | null> {
  try {
    await fresh(alone);
    return "done";
  } catch (thrown) {
    if (asApiError(thrown).code !== "PROPOSAL_REQUIRED") throw thrown;
  }
  const isProposed = await opened<true>(t("propose"), (end) => <Proposing deed={deed} onDone={() => end(true)} />);
  if (isProposed !== true) return null;
  notify("good", t("proposed"));
  return "proposed";
}

function Proposing({ deed, onDone }: { deed: Deed; onDone: () => void }) {
  const reason = useSignal("");
  const requestId = useSignal(crypto.randomUUID());
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    const body: ProposalBody = { ...deed, body: deed.body as ProposalBody["body"], reason: reason.value.trim(), requestId: requestId.value };
    await fresh(() => rest.call("post", "/admin/proposals", { body }));
    onDone();
  };
  return (
    <form class="stack" onSubmit={on(send)}>
      <p class="note">{t("twoPersons")}</p>
      <pre class="mono">{JSON.stringify({ action: deed.action, target: deed.target, ...deed.body }, null, 2)}</pre>
      <TextField label={t("proposeReason")} name="reason" value={reason} problem={problem.value} isRequired isLong autocomplete="off" />
      <Problem problem={problem.value} fields={["reason"]} />
      <div class="row actions"><button class="button primary" disabled={isBusy.value}>{t("propose")}</button></div>
    </form>
  );
}
