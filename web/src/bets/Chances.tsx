// How the chance of the first answer went lately, as a line with its least and its most.

import { rest } from "@/api/rest";
import { Panel } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { PRICE_SCALE, formatChance, priceOf } from "@/units/money";
import { t } from "./texts";

const HOURS = 48;
const EVERY_MS = 60_000;
const [WIDTH, HEIGHT] = [400, 120];
/** So much is shown at least, so that a chance that hardly moves doesn't look wild. */
const LEAST_SPAN = 1_000;

export interface Drawn {
  readonly points: string;
  readonly least: number;
  readonly most: number;
}

/** Draw chances (price units, in time order) over the whole width; null for fewer than two. */
export function drawnChances(chances: readonly number[]): Drawn | null {
  if (chances.length < 2) return null;
  const [low, high] = [Math.min(...chances), Math.max(...chances)];
  const pad = Math.max(0, Math.ceil((LEAST_SPAN - (high - low)) / 2));
  const least = Math.max(0, low - pad);
  const most = Math.min(PRICE_SCALE, high + pad);
  const points = chances.map((chance, index) => `${((index / (chances.length - 1)) * WIDTH).toFixed(1)},${((1 - (chance - least) / (most - least)) * HEIGHT).toFixed(1)}`);
  return { points: points.join(" "), least, most };
}

export function Chances({ market, label }: { market: string; label: string }) {
  const past = useLoaded((signal) => rest.call("get", "/markets/{slug}/history", { path: { slug: market }, query: { interval: "1h" }, signal }), [], EVERY_MS);
  const chances = (past.data?.data ?? []).slice(-HOURS).map((point) => priceOf(point.price)).filter((price) => price !== null);
  const drawn = drawnChances(chances);
  const [first, last] = [chances[0], chances.at(-1)];
  if (drawn === null || first === undefined || last === undefined) return null;
  return (
    <Panel title={t("lately", { side: label })}>
      <svg class="chances" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("latelyWas", { from: formatChance(first), to: formatChance(last) })}>
        <polygon points={`0,${HEIGHT} ${drawn.points} ${WIDTH},${HEIGHT}`} />
        <polyline points={drawn.points} vector-effect="non-scaling-stroke" />
      </svg>
      <p class="row between quiet small"><span>{formatChance(drawn.least)} – {formatChance(drawn.most)}</span><span>{t("latelyWas", { from: formatChance(first), to: formatChance(last) })}</span></p>
    </Panel>
  );
}
