// The figures of a run, each with what it means.

import type { FiguresView } from "@/api/schema";
import { FIGURES, GROUPS, betterOf, figureText, type Figure } from "./figures";
import { t } from "./texts";

export function Figures({ of }: { of: FiguresView }) {
  return (
    <div class="stack">
      {GROUPS.map(({ name, figures }) => (
        <section key={name} class="stack figure-group" aria-label={t(name)}>
          <h2>{t(name)}</h2>
          <dl class="figures">
            {figures.map((figure) => (
              <div key={figure.name}>
                <dt>{t(figure.name)}</dt>
                <dd data-figure={figure.name} class={toneOf(figure, of)}>{figureText(figure, of)}<small>{t(`${figure.name}What`)}</small></dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

function toneOf(figure: Figure, of: FiguresView): string {
  if (figure.kind !== "gain" && figure.kind !== "gainPercent") return "";
  const text = String(of[figure.name] ?? "");
  return !/[1-9]/.test(text) ? "" : text.startsWith("-") ? "down" : "up";
}

/** Two runs' figures side by side; the better one of each is marked by a word as well. */
export function FiguresBeside({ names, of }: { names: readonly [string, string]; of: readonly [FiguresView, FiguresView] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("figures")}>
      <table class="table beside" data-beside>
        <thead><tr><th scope="col">{t("figure")}</th>{names.map((name, index) => <th key={index} scope="col" class="num">{name}</th>)}</tr></thead>
        <tbody>
          {FIGURES.map((figure) => {
            const better = betterOf(figure, of[0], of[1]);
            return (
              <tr key={figure.name}>
                <th scope="row">{t(figure.name)}</th>
                {of.map((one, index) => <td key={index} class="num">{better === index ? <strong>{figureText(figure, one)} <span class="visually-hidden">{t("better")}</span><span aria-hidden="true">✓</span></strong> : figureText(figure, one)}</td>)}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
