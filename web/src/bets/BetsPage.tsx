// Betting as a place: the open questions, and one's own bets.

import { SignedIn } from "@/parts/Tabs";
import { path } from "@/shell/router";
import { useTitle } from "@/shell/title";
import { BetsTabs } from "./BetsTabs";
import { MyBets } from "./MyBets";
import { Questions } from "./Questions";
import { t } from "./texts";
import "@/parts/parts.css";
import "./bets.css";

export default function BetsPage() {
  const isMine = path.value === "/bets/mine";
  const title = t(isMine ? "mine" : "bets");
  useTitle(title);
  return (
    <div class="page">
      <h1>{title}</h1>
      <BetsTabs />
      {isMine ? <SignedIn><MyBets /></SignedIn> : <Questions />}
    </div>
  );
}
