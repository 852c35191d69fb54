// One's own account: each part at an address of its own.

import { useEffect } from "preact/hooks";
import { SignedIn, Tabs } from "@/parts/Tabs";
import { notify } from "@/shell/notices";
import { navigate, path } from "@/shell/router";
import type { PageProps } from "@/shell/routes";
import { signOut } from "@/session/session";
import { ApiKeys } from "./ApiKeys";
import { DataPart } from "./DataPart";
import { PreferencesPart } from "./PreferencesPart";
import { ProfilePart } from "./ProfilePart";
import { SecurityPart } from "./SecurityPart";
import { SessionsPart } from "./SessionsPart";
import { providerName } from "./proofs/providers";
import { t } from "./accountTexts";
import { isFailure, t as told } from "./texts";
import "@/parts/parts.css";
import "./account.css";

const PARTS = { profile: ProfilePart, security: SecurityPart, keys: ApiKeys, sessions: SessionsPart, preferences: PreferencesPart, data: DataPart };
type Part = keyof typeof PARTS;

function partOf(named: string | undefined): Part {
  return named !== undefined && named in PARTS ? (named as Part) : "profile";
}

export default function AccountPage({ params }: PageProps) {
  useEffect(cameBack, []);
  const part = partOf(path.value === "/settings" ? "security" : params["part"]);
  const Shown = PARTS[part];
  return (
    <SignedIn>
      <div class="page account">
        <div class="row between">
          <h1>{t("account")}</h1>
          <button class="button" onClick={() => void leave()}>{t("signOut")}</button>
        </div>
        <Tabs label={t("account")} parts={(Object.keys(PARTS) as Part[]).map((name) => ({ href: hrefOf(name), text: t(name) }))} />
        <Shown key={part} />
      </div>
    </SignedIn>
  );
}

function hrefOf(part: Part): string {
  return part === "profile" ? "/account" : `/account/${part}`;
}

async function leave(): Promise<void> {
  await signOut().catch(() => undefined); // signed out here, whether the exchange heard of it or not
  navigate("/sign-in");
}

/** Say how linking an account elsewhere went. */
function cameBack(): void {
  const told_ = new URLSearchParams(location.hash.slice(1));
  const failure = told_.get("error");
  const linked = told_.get("linked");
  if (failure === null && linked === null) return;
  navigate("/account/security", true);
  if (linked !== null) notify("good", t("linked", { provider: providerName(linked) }));
  else if (failure !== null) notify("bad", told(isFailure(failure) ? failure : "failed"));
}
