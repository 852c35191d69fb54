// All that an admin needs: each part at an address of its own. An auditor sees the same and changes nothing.

import { SignedIn, Tabs } from "@/parts/Tabs";
import { isAdmin, user } from "@/session/session";
import type { PageProps } from "@/shell/routes";
import { HousePart } from "@/house/HousePart";
import { MirrorPart } from "@/house/MirrorPart";
import { MirrorsPart } from "@/house/MirrorsPart";
import { StocksPart } from "@/house/StocksPart";
import { Audit } from "./Audit";
import { Checks } from "./Checks";
import { MarketPart } from "./MarketPart";
import { MarketsPart } from "./MarketsPart";
import { NewMarket } from "./NewMarket";
import { Overview } from "./Overview";
import { Proposals } from "./Proposals";
import { t } from "./texts";
import { UserPart } from "./UserPart";
import { UsersPart } from "./UsersPart";
import "@/parts/parts.css";
import "./admin.css";

const PARTS = { overview: Overview, checks: Checks, markets: MarketsPart, create: NewMarket, mirrors: MirrorsPart, house: HousePart, stocks: StocksPart, proposals: Proposals, users: UsersPart, audit: Audit };
type Part = keyof typeof PARTS;

export default function AdminPage({ params }: PageProps) {
  return (
    <SignedIn>
      <div class="page admin">
        <h1>{t("admin")}</h1>
        {isAdmin.value ? <Within part={params["part"]} id={params["id"]} /> : <p class="empty">{t("onlyAdmins")}</p>}
      </div>
    </SignedIn>
  );
}

function Within({ part: named, id }: { part: string | undefined; id: string | undefined }) {
  const part: Part = named !== undefined && named in PARTS ? (named as Part) : "overview";
  const Shown = PARTS[part];
  const parts = (Object.keys(PARTS) as Part[]).map((name) => ({ href: name === "overview" ? "/admin" : `/admin/${name}`, text: t(name) }));
  return (
    <>
      <Tabs label={t("admin")} parts={parts} />
      {user.value?.role === "AUDITOR" && <p class="note">{t("readsOnly")}</p>}
      {id !== undefined && part === "markets" ? <MarketPart key={id} slug={id} /> : id !== undefined && part === "users" ? <UserPart key={id} id={id} /> : id !== undefined && part === "mirrors" ? <MirrorPart key={id} id={id} /> : <Shown key={part} />}
    </>
  );
}
