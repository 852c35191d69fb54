// Backtests: all of one's own, a new one, one of them, two beside each other, each at an address of its own.

import { rest } from "@/api/rest";
import { Failed, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { SignedIn } from "@/parts/Tabs";
import type { PageProps } from "@/shell/routes";
import { BacktestPart } from "./BacktestPart";
import { Compare } from "./Compare";
import { List } from "./List";
import { NewBacktest } from "./NewBacktest";
import { offered } from "./strategies";
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
  const told = useLoaded(async (signal) => (offered.value = (await rest.call("get", "/backtests/strategies", { signal })).data), []);
  if (offered.value === null) return told.error === null ? <Waiting /> : <Failed error={told.error} reload={told.reload} />;
  if (part === undefined) return <List />;
  if (part === "new") return <NewBacktest />;
  if (part === "compare") return <Compare />;
  if (NUMBER.test(part)) return <BacktestPart key={part} id={part} />;
  return <p class="empty">{t("noBacktest")} <a href="/backtests">{t("backToAll")}</a></p>;
}
