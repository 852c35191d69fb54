// One user: credits, role, suspension, limits, and what the audit log has.
//
// Law: what is shown of the user is one reading, of one moment; the reading itself is in the audit log.

import { useSignal } from "@preact/signals";
import { fresh } from "@/account/proofs/fresh";
import { rest } from "@/api/rest";
import type { Role } from "@/api/schema";
import { Failed, Panel, Waiting } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { Choice, Problem, TextField, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { Cash } from "@/portfolio/figures";
import { notify } from "@/shell/notices";
import { cashOf, formatCash } from "@/units/money";
import { day } from "@/units/time";
import { AuditTable } from "./Audit";
import { decided } from "./decided";
import { t } from "./texts";

export function UserPart({ id }: { id: string }) {
  const turn = useSignal(0);
  const whole = useLoaded((signal) => rest.call("get", "/admin/users/{id}", { path: { id }, signal }), [id]);
  const reload = () => {
    whole.reload();
    turn.value += 1;
  };
  if (whole.isFirst) return <Waiting />;
  if (whole.data === null) return <Failed error={whole.error} reload={reload} />;
  const { account, ...shown } = whole.data.data;
  const standing = account?.standing ?? "ACTIVE";
  const own = account?.limits;
  const factors = shown.secondFactors.passkeys.length + (shown.secondFactors.totpSince === null ? 0 : 1);
  return (
    <div class="stack">
      <p><a href="/admin/users">← {t("users")}</a></p>
      <h2 class="question">{shown.displayName}</h2>
      <dl class="figures">
        <div><dt>{t("number")}</dt><dd>{shown.id}</dd></div>
        <div><dt>{t("role")}</dt><dd>{shown.role}</dd></div>
        <div><dt>{t("standing")}</dt><dd data-figure="standing">{t(standing === "CLOSED" ? "CLOSED_ACCOUNT" : standing)}</dd></div>
        {account !== null && <div><dt>{t("balance")}</dt><dd data-figure="balance"><Cash of={account.balance.available} isExact /><small>{t("inTotal", { total: formatCash(cashOf(account.balance.total)), locked: formatCash(cashOf(account.balance.locked)) })}</small></dd></div>}
        {account !== null && <div><dt>{t("openPositions")}</dt><dd>{account.positions}<small>{t("openOrders")}: {account.openOrders}</small></dd></div>}
        <div><dt>{t("email")}</dt><dd><small>{shown.email ?? "–"}</small></dd></div>
        <div><dt>{t("waysIn")}</dt><dd data-figure="ways"><small>{shown.waysIn.join(", ") || "–"}</small><small>{t("waysInMore", { factors, sessions: shown.sessions.length, keys: shown.apiKeys.length })}</small></dd></div>
        <div><dt>{t("member")}</dt><dd><small>{day(shown.createdAt)}</small></dd></div>
        <div><dt>{t("limits")}</dt><dd><small>{t("orderQuantity")}: {own?.orderQuantity ?? t("noLimit")}</small><small>{t("position")}: {own?.position ?? t("noLimit")}</small><small>{t("orders")}: {own?.openOrders ?? t("noLimit")}</small></dd></div>
      </dl>
      <div class="columns">
        <Credits id={id} reload={reload} />
        <RoleOf id={id} role={shown.role as Role} reload={reload} />
        <Suspension id={id} isSuspended={standing === "SUSPENDED"} reload={reload} />
      </div>
      <AuditTable title={t("about")} query={{ target: `user:${id}` }} turn={turn.value} />
      <AuditTable title={t("by")} query={{ actor: id }} turn={turn.value} />
    </div>
  );
}

/** Giving and taking credits; `title` says it otherwise where it is about an account of the exchange's own. */
export function Credits({ id, reload, title }: { id: string; reload: () => void; title?: string }) {
  const kind = useSignal<"credit" | "debit">("credit");
  const amount = useSignal("");
  const reason = useSignal("");
  // The same until it is through, so that sending twice moves credits once.
  const requestId = useSignal(crypto.randomUUID());
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    const body = { amount: amount.value.trim(), reason: reason.value.trim() };
    if (!(await isSure({ title: t(kind.value), text: `${body.amount}: ${body.reason}`, action: t(kind.value), isDangerous: kind.value === "debit" }))) return;
    const sent = { ...body, requestId: requestId.value };
    const path = { id };
    const done = await decided({ action: `user.${kind.value}`, target: id, body }, async () => {
      const answer = kind.value === "credit" ? await rest.call("post", "/admin/users/{id}/credit", { path, body: sent }) : await rest.call("post", "/admin/users/{id}/debit", { path, body: sent });
      notify("good", t("balanceNow", { amount: formatCash(cashOf(answer.data.balance.available)) }));
    });
    if (done === null) return;
    amount.value = "";
    reason.value = "";
    requestId.value = crypto.randomUUID();
    reload();
  };
  return (
    <Panel title={title ?? `${t("credit")} / ${t("debit")}`}>
      <form class="stack" onSubmit={on(send)}>
        <Choice label={t("action")} name="kind" value={kind} choices={[["credit", t("credit")], ["debit", t("debit")]]} />
        <TextField label={t("amount")} name="amount" value={amount} problem={problem.value} inputMode="decimal" isRequired autocomplete="off" />
        <TextField label={t("reason")} name="reason" value={reason} problem={problem.value} isRequired autocomplete="off" />
        <Problem problem={problem.value} fields={["amount", "reason"]} />
        <div><button class="button" disabled={isBusy.value}>{t(kind.value)}</button></div>
      </form>
    </Panel>
  );
}

function RoleOf({ id, role, reload }: { id: string; role: Role; reload: () => void }) {
  const chosen = useSignal<Role>(role);
  const { problem, isBusy, on } = useSending();
  const send = async () => {
    if (!(await isSure({ title: t("setRole"), text: `${role} → ${chosen.value}`, action: t("setRole"), isDangerous: true }))) return;
    const body = { role: chosen.value };
    await decided({ action: "user.role", target: id, body }, () => rest.call("patch", "/admin/users/{id}/role", { path: { id }, body }));
    reload();
  };
  return (
    <Panel title={t("role")}>
      <form class="stack" onSubmit={on(send)}>
        <Choice label={t("role")} name="role" value={chosen} choices={[["USER", "USER"], ["MARKET_MAKER", "MARKET_MAKER"], ["AUDITOR", "AUDITOR"], ["ADMIN", "ADMIN"]]} />
        <Problem problem={problem.value} />
        <div><button class="button" disabled={isBusy.value || chosen.value === role}>{t("setRole")}</button></div>
      </form>
    </Panel>
  );
}

function Suspension({ id, isSuspended, reload }: { id: string; isSuspended: boolean; reload: () => void }) {
  const reason = useSignal("");
  const { problem, isBusy, on } = useSending();
  const action = t(isSuspended ? "unsuspend" : "suspend");
  const send = async () => {
    if (!(await isSure({ title: action, text: reason.value, action, isDangerous: !isSuspended }))) return;
    await fresh(() => rest.call("post", "/admin/users/{id}/suspend", { path: { id }, body: { suspended: !isSuspended, reason: reason.value.trim() } }));
    reason.value = "";
    reload();
  };
  return (
    <Panel title={t("standing")}>
      <form class="stack" onSubmit={on(send)}>
        <TextField label={t("reason")} name="reason" value={reason} problem={problem.value} isRequired autocomplete="off" />
        <Problem problem={problem.value} fields={["reason"]} />
        <div><button class={isSuspended ? "button" : "button danger"} disabled={isBusy.value}>{action}</button></div>
      </form>
    </Panel>
  );
}
