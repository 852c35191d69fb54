// Backtests: all of one's own, a new one, one of them, two beside each other, each at an address of its own.

import { SignedIn } from "@/parts/Tabs";
import type { PageProps } from "@/shell/routes";
import { BacktestPart } from "./BacktestPart";
import { Compare } from "./Compare";
import { List } from "./List";
import { NewBacktest } from "./NewBacktest";
import { t } from "./texts";
import "@/parts/parts.css";
import "./backtests.css";

const NUMBER = /^\d{1,19}$/;

export default function BacktestsPage({ params }: PageProps) {
  return (
    <SignedIn>
      <div class="page backtests"><Shown part={params["part"]} /></div>
    </SignedIn>
  );
}

function Shown({ part }: { part: string | undefined }) {
  if (part === undefined) return <List />;
  if (part === "new") return <NewBacktest />;
  if (part === "compare") return <Compare />;
  if (NUMBER.test(part)) return <BacktestPart key={part} id={part} />;
  return <p class="empty">{t("noBacktest")} <a href="/backtests">{t("backToAll")}</a></p>;
}
