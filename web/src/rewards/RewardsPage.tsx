// What one is given: the credits of the day, invitations, and credits that are sold, each at an address of its own.

import { BetsTabs } from "@/bets/BetsTabs";
import { SignedIn } from "@/parts/Tabs";
import type { PageProps } from "@/shell/routes";
import { useTitle } from "@/shell/title";
import { Credits } from "./Credits";
import { Daily } from "./Daily";
import { Invite } from "./Invite";
import { t } from "./texts";
import "@/parts/parts.css";
import "./rewards.css";

const PARTS = { rewards: Daily, invite: Invite, credits: Credits };
type Part = keyof typeof PARTS;

export default function RewardsPage({ params }: PageProps) {
  const named = params["part"];
  const part: Part = named !== undefined && named in PARTS ? (named as Part) : "rewards";
  const Shown = PARTS[part];
  useTitle(t(part));
  return (
    <SignedIn>
      <div class="page rewards">
        <h1>{t(part)}</h1>
        <BetsTabs />
        <Shown key={part} />
      </div>
    </SignedIn>
  );
}
