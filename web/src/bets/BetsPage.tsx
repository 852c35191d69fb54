// Betting as a place: the open questions, and one's own bets.

import { SignedIn } from "@/parts/Tabs";
import { path } from "@/shell/router";
import { BetsTabs } from "./BetsTabs";
import { MyBets } from "./MyBets";
import { Questions } from "./Questions";
import { t } from "./texts";
import "@/parts/parts.css";
import "./bets.css";

export default function BetsPage() {
  const isMine = path.value === "/bets/mine";
  return (
    <div class="page">
      <h1>{t(isMine ? "mine" : "bets")}</h1>
      <BetsTabs />
      {isMine ? <SignedIn><MyBets /></SignedIn> : <Questions />}
    </div>
  );
}
