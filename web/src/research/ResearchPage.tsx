// Research: asking, and all that one has asked; one question with its answer at an address of its own.

import { Panel } from "@/parts/DataTable";
import { SignedIn } from "@/parts/Tabs";
import { navigate } from "@/shell/router";
import type { PageProps } from "@/shell/routes";
import { Answer } from "./Answer";
import { Ask } from "./Ask";
import { Questions } from "./Questions";
import { t } from "./texts";
import "@/parts/parts.css";
import "./research.css";

const NUMBER = /^\d{1,19}$/;

export default function ResearchPage({ params }: PageProps) {
  const id = params["id"];
  return (
    <SignedIn>
      <div class="page research">{id === undefined ? <All /> : <One id={id} />}</div>
    </SignedIn>
  );
}

function All() {
  return (
    <>
      <h1>{t("research")}</h1>
      <div class="stack">
        <p class="quiet intro">{t("intro")}</p>
        <div class="research-desk">
          <Panel title={t("ask")}><Ask onAsked={(made) => navigate(`/research/${made.id}`)} /></Panel>
          <Panel title={t("yours")} isPlain><Questions /></Panel>
        </div>
      </div>
    </>
  );
}

function One({ id }: { id: string }) {
  return (
    <>
      <p><a href="/research">← {t("backToAll")}</a></p>
      <h1>{t("research")}</h1>
      {NUMBER.test(id) ? <Answer key={id} id={id} onRemoved={() => navigate("/research")} /> : <p class="empty">{t("noQuestion")}</p>}
    </>
  );
}
