// How the chance of the first answer went in the last two days, as a line with its least and its most.
//
// Law: a price holds until somebody trades, also over hours in which nobody did.

import { rest } from "@/api/rest";
import type { PointView } from "@/api/schema";
import { Panel } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { PRICE_SCALE, formatChance, priceOf } from "@/units/money";
import { t } from "./texts";

const HOUR_MS = 3_600_000;
const SPAN_MS = 48 * HOUR_MS;
const EVERY_MS = 60_000;
const [WIDTH, HEIGHT] = [400, 120];
/** So much is shown at least, so that a chance that hardly moves doesn't look wild. */
const LEAST_SPAN = 1_000;

/** A chance (price units) from a time on (ms). */
export interface Since {
  readonly at: number;
  readonly chance: number;
}

/**
 * What is known of the last two days, of the last price of each hour in which somebody traded, oldest first: what they began
 * with, what was traded at, and that it holds until `now` (ms).
 */
export function lately(hours: readonly PointView[], now: number): readonly Since[] {
  const begun = now - SPAN_MS;
  const all = hours.map(({ time, price }) => ({ at: Math.min(Date.parse(time) + HOUR_MS, now), chance: priceOf(price) ?? 0 }));
  const before = all.filter(({ at }) => at <= begun).at(-1);
  const within = all.filter(({ at }) => at > begun);
  const known = before === undefined ? within : [{ at: begun, chance: before.chance }, ...within];
  const last = known.at(-1);
  return last === undefined || last.at === now ? known : [...known, { at: now, chance: last.chance }];
}

export interface Drawn {
  readonly points: string;
  readonly least: number;
  readonly most: number;
}

/** Draw chances over the whole width, by steps; null for fewer than two. */
export function drawnChances(known: readonly Since[]): Drawn | null {
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < 2) return null;
  const chances = known.map(({ chance }) => chance);
  const [low, high] = [Math.min(...chances), Math.max(...chances)];
  const pad = Math.max(0, Math.ceil((LEAST_SPAN - (high - low)) / 2));
  const least = Math.max(0, low - pad);
  const most = Math.min(PRICE_SCALE, high + pad);
  const x = (at: number) => (((at - first.at) / (last.at - first.at)) * WIDTH).toFixed(1);
  const y = (chance: number) => ((1 - (chance - least) / (most - least)) * HEIGHT).toFixed(1);
  const steps = known.map(({ at, chance }, index) => {
    const before = known[index - 1]?.chance ?? chance;
    return before === chance ? `${x(at)},${y(chance)}` : `${x(at)},${y(before)} ${x(at)},${y(chance)}`;
  });
  return { points: steps.join(" "), least, most };
}

export function Chances({ market, label }: { market: string; label: string }) {
  const past = useLoaded((signal) => rest.call("get", "/markets/{slug}/history", { path: { slug: market }, query: { interval: "1h" }, signal }), [market], EVERY_MS);
  const known = lately(past.data?.data ?? [], Date.now());
  const drawn = drawnChances(known);
  const [first, last] = [known[0]?.chance, known.at(-1)?.chance];
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
