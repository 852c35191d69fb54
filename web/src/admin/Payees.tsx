// Who would be paid what if a market were resolved so now.

import { rest } from "@/api/rest";
import type { Resolution } from "@/api/schema";
import { DataTable, Failed, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { Cash, Gain, Shares } from "@/portfolio/figures";
import { t } from "./texts";

const SHOWN = 50;
const EVERY_MS = 4_000;

/** `split` is what a share of YES pays, where the outcome is SPLIT. */
export function Payees({ slug, outcome, split }: { slug: string; outcome: Resolution; split: string }) {
  const yesPayout = outcome === "SPLIT" ? split.trim() : undefined;
  const found = useLoaded(
    (signal) => rest.call("get", "/admin/markets/{slug}/settlement", { path: { slug }, query: { outcome, yesPayout, limit: SHOWN }, signal }),
    [slug, outcome, yesPayout],
    EVERY_MS,
  );
  if (found.data === null) return found.error === null ? <Waiting /> : <Failed error={found.error} reload={found.reload} />;
  const { payees, holders, paid, collateral } = found.data.data;
  return (
    <div class="stack" data-payees>
      {found.error !== null && <Failed error={found.error} reload={found.reload} />}
      <p>{t("payeesSum", { holders, paid: paid.replace(/0{1,4}$/, ""), collateral: collateral.replace(/0{1,4}$/, "") })}{holders > payees.length && ` ${t("payeesMore", { count: payees.length })}`}</p>
      <DataTable
        caption={t("payees")}
        rows={payees}
        empty={t("noPayees")}
        keyOf={(one) => one.accountId}
        columns={[
          { title: t("number"), cell: (one) => <a href={`/admin/users/${one.accountId}`}>{one.accountId}</a> },
          { title: "YES", cell: (one) => <Shares of={one.yes} />, isNumber: true },
          { title: "NO", cell: (one) => <Shares of={one.no} />, isNumber: true },
          { title: t("cost"), cell: (one) => <Cash of={one.cost} />, isNumber: true, isExtra: true },
          { title: t("isPaid"), cell: (one) => <Cash of={one.payout} />, isNumber: true },
          { title: t("profit"), cell: (one) => <Gain of={one.profit} />, isNumber: true },
        ]}
      />
    </div>
  );
}
