// What one has and what became of it: each part at an address of its own.

import { SignedIn, Tabs } from "@/parts/Tabs";
import type { PageProps } from "@/shell/routes";
import { External } from "./External";
import { Fills, Ledger, Orders, Settlements } from "./History";
import { Overview } from "./Overview";
import { t } from "./texts";
import { Transactions } from "./Transactions";
import { Watchlists } from "./Watchlists";
import "@/parts/parts.css";
import "./portfolio.css";

const PARTS = { overview: Overview, orders: Orders, fills: Fills, settlements: Settlements, ledger: Ledger, transactions: Transactions, watchlists: Watchlists, external: External };
type Part = keyof typeof PARTS;

export default function PortfolioPage({ params }: PageProps) {
  const named = params["part"];
  const part: Part = named !== undefined && named in PARTS ? (named as Part) : "overview";
  const Shown = PARTS[part];
  const parts = (Object.keys(PARTS) as Part[]).map((name) => ({ href: name === "overview" ? "/portfolio" : `/portfolio/${name}`, text: t(name) }));
  return (
    <SignedIn>
      <div class="page">
        <h1>{t("portfolio")}</h1>
        <Tabs label={t("portfolio")} parts={parts} />
        <Shown key={part} />
      </div>
    </SignedIn>
  );
}
