// For who writes programs: the reference, the errors, the sockets, and snippets to begin with.

import { Tabs } from "@/parts/Tabs";
import type { PageProps } from "@/shell/routes";
import { Errors } from "./Errors";
import { Reference } from "./Reference";
import { Snippets } from "./Snippets";
import { Sockets } from "./Sockets";
import { t } from "./texts";
import "@/parts/parts.css";
import "./developers.css";

const PARTS = { reference: Reference, errors: Errors, sockets: Sockets, snippets: Snippets };
type Part = keyof typeof PARTS;

export default function DevelopersPage({ params }: PageProps) {
  const named = params["part"];
  const part: Part = named !== undefined && named in PARTS ? (named as Part) : "reference";
  const Shown = PARTS[part];
  const parts = (Object.keys(PARTS) as Part[]).map((name) => ({ href: name === "reference" ? "/developers" : `/developers/${name}`, text: t(name) }));
  return (
    <div class="page developers">
      <h1>{t("developers")}</h1>
      <Tabs label={t("developers")} parts={parts} />
      <Shown key={part} />
      <p class="quiet small"><a href="/notices.txt">{t("notices")}</a></p>
    </div>
  );
}
