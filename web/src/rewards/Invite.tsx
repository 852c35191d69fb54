// Inviting others: one's link and code, what came of it, and who came, by number alone.

import { rest } from "@/api/rest";
import type { InvitedView } from "@/api/schema";
import { Failed, ListTable, Panel, Waiting } from "@/parts/DataTable";
import { useListed, useLoaded } from "@/parts/loading";
import { Secret } from "@/parts/Secret";
import { Cash } from "@/portfolio/figures";
import { cashOf, formatCash } from "@/units/money";
import { moment } from "@/units/time";
import { t } from "./texts";

/** Where a code leads: to the page that makes an account, which sends it along. */
export function linkOf(code: string, origin = location.origin): string {
  return `${origin}/register?ref=${encodeURIComponent(code)}`;
}

/** Why a bonus wasn't given, in words; what has none is said as it is. */
export function whyNot(reason: string | null): string {
  if (reason === "MAX_USER_CREDITS") return t("CREDITS_FULL");
  if (reason === "REFERRALS_PER_INVITER_MAX" || reason === "NO_BONUS") return t(reason);
  return reason ?? "";
}

const STATES = ["INVITED", "PENDING", "REWARDED", "NOT_GIVEN"] as const;

function stateOf(one: InvitedView): string {
  const known = STATES.find((state) => state === one.status);
  return known === undefined ? one.status : t(known);
}

export function Invite() {
  const own = useLoaded((signal) => rest.call("get", "/referrals/me", { signal }), []);
  const invited = useListed((cursor, signal) => rest.call("get", "/referrals/me/invited", { query: { cursor, limit: 50 }, signal }), []);
  if (own.isFirst) return <Waiting />;
  if (own.data === null) return <Failed error={own.error} reload={own.reload} />;
  const { code, bonus, earned, bonusesLeft, ...counts } = own.data.data;
  const link = linkOf(code);
  const canShare = "share" in navigator;
  // Who closes what the phone shows has shared nothing, and that is no failure.
  const share = () => void navigator.share({ title: "Probity", text: t("shareText"), url: link }).catch(() => undefined);
  return (
    <div class="stack">
      <Panel title={t("inviteTitle")}>
        <p class="lead">{cashOf(bonus) === 0n ? t("inviteNoBonus") : t("inviteWhy", { bonus: formatCash(cashOf(bonus)) })}</p>
        <Secret label={t("link")} value={link} />
        <Secret label={t("code")} value={code} />
        {canShare && <div><button type="button" class="button primary" onClick={share}>{t("share")}</button></div>}
        {bonusesLeft === 0 && cashOf(bonus) > 0n && <p class="note">{t("noneLeft")}</p>}
      </Panel>
      <dl class="figures" aria-label={t("invite")}>
        <div><dt>{t("invited")}</dt><dd data-invited>{counts.invited}</dd></div>
        <div><dt>{t("rewarded")}</dt><dd>{counts.rewarded}</dd></div>
        <div><dt>{t("earned")}</dt><dd data-earned><Cash of={earned} /></dd></div>
        <div><dt>{t("left")}</dt><dd>{bonusesLeft}</dd></div>
      </dl>
      <Panel title={t("who")} isPlain>
        <ListTable
          caption={t("who")}
          list={invited}
          empty={t("nobody")}
          keyOf={(one) => one.id}
          columns={[
            { title: t("number"), cell: (one) => t("someone", { id: one.id }) },
            { title: t("since"), cell: (one) => moment(one.createdAt) },
            { title: t("state"), cell: (one) => <><span class="badge">{stateOf(one)}</span>{one.reason !== null && <small class="quiet"> {whyNot(one.reason)}</small>}</> },
            { title: t("bonus"), cell: (one) => <Cash of={one.status === "INVITED" ? null : one.amount} />, isNumber: true },
          ]}
        />
      </Panel>
    </div>
  );
}
