// What the sides of a question are called, in the reader's language.

import { labelOf, type BetSide } from "./odds";
import { t } from "./texts";

export type Labels = Readonly<Record<BetSide, string>>;

export function labelsOf(market: { readonly outcomes?: readonly [string, string] | undefined }): Labels {
  const words = { yes: t("yes"), no: t("no") };
  return { THIS: labelOf(market.outcomes, "THIS", words), THAT: labelOf(market.outcomes, "THAT", words) };
}
