// Pages that were found, and links to them: foreign text, foreign addresses.

import type { SearchView } from "@/api/schema";
import { centsText, linkOf } from "./content";
import { t } from "./texts";

/** A link that tells the page neither where one comes from nor that it is thought well of. */
export function Outside({ url, title }: { url: string; title: string | null }) {
  const link = linkOf(url);
  if (link === null) return <span class="quiet">{title ?? ""} {t("noLink", { address: url })}</span>;
  const isNamed = title !== null && title.trim() !== "";
  return <><a href={link.href} target="_blank" rel="noopener noreferrer nofollow">{isNamed ? title : link.host}</a>{isNamed && <> <span class="quiet small">{link.host}</span></>}</>;
}

/** Longer ones are opened by who wants them. */
const SHOWN = 400;
const BEGUN = 160;

export function Excerpts({ of }: { of: readonly string[] }) {
  return <>{of.filter((text) => text.trim() !== "").map((text, index) => <Excerpt key={index} text={text} />)}</>;
}

function Excerpt({ text }: { text: string }) {
  if (text.length <= SHOWN) return <blockquote>{text}</blockquote>;
  return <details class="excerpt"><summary>{Array.from(text).slice(0, BEGUN).join("").trimEnd()} …</summary><blockquote>{text}</blockquote></details>;
}

export function Found({ view }: { view: SearchView }) {
  return (
    <section class="stack" aria-label={t("found")} data-found>
      <h3>{t("found")}</h3>
      <p class="quiet small" role="status">{t("foundCost", { count: view.results.length, cost: centsText(view.cost) })}</p>
      {view.results.length === 0 && <p class="empty">{t("nothingFound")}</p>}
      <ol class="pages">
        {view.results.map((page, index) => (
          <li key={index}>
            <Outside url={page.url} title={page.title} />
            {page.published !== null && <> <span class="quiet small">{t("published", { day: page.published })}</span></>}
            <Excerpts of={page.excerpts} />
          </li>
        ))}
      </ol>
    </section>
  );
}
