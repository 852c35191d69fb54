// Looking for users.

import { useSignal } from "@preact/signals";
import { rest } from "@/api/rest";
import type { Role, Standing } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { Choice, TextField } from "@/parts/Form";
import { useListed } from "@/parts/loading";
import { day } from "@/units/time";
import { t } from "./texts";

export function UsersPart() {
  const word = useSignal("");
  const role = useSignal<Role | "">("");
  const standing = useSignal<Standing | "">("");
  const list = useListed(
    (cursor, signal) => rest.call("get", "/admin/users", { query: { cursor, limit: 50, q: word.value.trim() || undefined, role: role.value || undefined, status: standing.value || undefined }, signal }),
    [word.value.trim(), role.value, standing.value],
  );
  return (
    <Panel title={t("users")} isPlain>
      <div class="filters">
        <TextField label={t("word")} name="q" value={word} autocomplete="off" />
        <Choice<Role | ""> label={t("role")} name="role" value={role} choices={[["", t("any")], ["USER", "USER"], ["MARKET_MAKER", "MARKET_MAKER"], ["AUDITOR", "AUDITOR"], ["ADMIN", "ADMIN"]]} />
        <Choice<Standing | ""> label={t("standing")} name="standing" value={standing} choices={[["", t("any")], ["ACTIVE", t("ACTIVE")], ["SUSPENDED", t("SUSPENDED")], ["CLOSED", t("CLOSED_ACCOUNT")]]} />
      </div>
      <ListTable
        caption={t("users")}
        list={list}
        keyOf={(one) => one.id}
        columns={[
          { title: t("number"), cell: (one) => one.id },
          { title: t("name"), cell: (one) => <a href={`/admin/users/${one.id}`}>{one.displayName}</a> },
          { title: t("email"), cell: (one) => one.email ?? "–" },
          { title: t("role"), cell: (one) => <span class="badge">{one.role}</span> },
          { title: t("member"), cell: (one) => day(one.createdAt), isExtra: true },
        ]}
      />
    </Panel>
  );
}
