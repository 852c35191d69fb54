// What a share is, in one screen, for who is here for the first time.

import { user } from "@/session/session";
import { destination, query } from "@/shell/router";
import { t } from "./welcomeTexts";
import "@/parts/parts.css";
import "./account.css";

export default function WelcomePage() {
  return (
    <div class="page welcome">
      <h1>{user.value === null ? t("title") : t("hello", { name: user.value.displayName })}</h1>
      <p class="lead">{t("lead")}</p>
      <ol class="steps">
        <li class="panel"><div class="body stack">
          <h2>{t("stepQuestion")}</h2>
          <p class="big">{t("question")}</p>
          <p>{t("questionWhy")}</p>
        </div></li>
        <li class="panel"><div class="body stack">
          <h2>{t("stepPrice")}</h2>
          <p class="big">YES 0.62 <span class="quiet">=</span> 62 %</p>
          <p>{t("priceWhy")}</p>
        </div></li>
        <li class="panel"><div class="body stack">
          <h2>{t("stepEnd")}</h2>
          <div class="ways-out">
            <div class="won"><strong>{t("ifYes")}</strong><br />10 × 1.00 = 10.00<br /><span class="up">▲ +3.80</span></div>
            <div class="lost"><strong>{t("ifNo")}</strong><br />10 × 0.00 = 0.00<br /><span class="down">▼ −6.20</span></div>
          </div>
          <p>{t("endWhy")}</p>
        </div></li>
      </ol>
      <div class="panel"><dl class="body stack">
        <div><dt><strong>{t("no")}</strong></dt><dd class="quiet">{t("noWhy")}</dd></div>
        <div><dt><strong>{t("locked")}</strong></dt><dd class="quiet">{t("lockedWhy")}</dd></div>
        <div><dt><strong>{t("early")}</strong></dt><dd class="quiet">{t("earlyWhy")}</dd></div>
      </dl></div>
      <p class="row goOn">
        <a class="button primary" href={destination(query.value.get("next"))}>{t("toMarkets")}</a>
        <a class="button" href="/bets">{t("toBets")}</a>
        {user.value === null && <a class="button" href="/register">{t("register")}</a>}
      </p>
    </div>
  );
}
