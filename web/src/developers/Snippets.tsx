// Small programs to be copied, task by task: the files of `web/snippets`, as tests run them.

import { notify } from "@/shell/notices";
import { remembered } from "@/shell/preferences";
import { t } from "./texts";

const LANGUAGES = ["sh", "py", "mjs"] as const;
const NAMES = { sh: "curl", py: "Python", mjs: "JavaScript" } as const;
const TASKS = {
  "1-sign-in": "signInTask",
  "2-markets": "marketsTask",
  "3-book": "bookTask",
  "4-place": "placeTask",
  "5-cancel": "cancelTask",
  "6-balance": "balanceTask",
  "7-follow": "followTask",
} as const;
const FILES = import.meta.glob<string>("../../snippets/*", { query: "?raw", import: "default", eager: true });

const chosen = remembered("snippets", LANGUAGES, "sh");

export function Snippets() {
  const language = chosen.value;
  return (
    <div class="stack">
      <p class="quiet">{t("snippetsWhy")}</p>
      <div class="segments" role="group" aria-label={t("language")}>
        {LANGUAGES.map((one) => (
          <button key={one} type="button" aria-pressed={one === language} onClick={() => (chosen.value = one)}>{NAMES[one]}</button>
        ))}
      </div>
      {Object.entries(TASKS).map(([task, title]) => {
        // What curl can't do is shown in JavaScript.
        const text = snippet(task, language) ?? snippet(task, "mjs") ?? "";
        return (
          <section key={task} class="panel" data-snippet={task}>
            <header>
              <h2>{t(title)}</h2>
              <button type="button" class="button small" aria-label={`${t("copy")}: ${t(title)}`} onClick={() => void copy(text)}>{t("copy")}</button>
            </header>
            <pre class="body mono snippet" tabIndex={0}>{here(text)}</pre>
          </section>
        );
      })}
    </div>
  );
}

function snippet(task: string, language: string): string | undefined {
  return FILES[`../../snippets/${task}.${language}`];
}

/** The snippet with the address of this exchange in it. */
function here(text: string): string {
  return text.replace("http://localhost:8080", location.origin);
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(here(text));
    notify("good", t("copied"));
  } catch {
    notify("bad", t("copyFailed")); // no permission, or no secure context
  }
}
