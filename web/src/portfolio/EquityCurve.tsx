// The value of what is held here on each day, drawn, with the same numbers as a table.

import { rest } from "@/api/rest";
import type { PastValueView } from "@/api/schema";
import { DataTable, Panel } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { cashOf } from "@/units/money";
import { Cash, Gain } from "./figures";
import { t } from "./texts";

const DAYS = 100;
const WIDTH = 400;
const HEIGHT = 120;

/** The points of a line through the values, oldest first, within WIDTH x HEIGHT; "" for fewer than two. */
export function lineOf(values: readonly bigint[]): string {
  if (values.length < 2) return "";
  const least = values.reduce((a, b) => (b < a ? b : a));
  const most = values.reduce((a, b) => (b > a ? b : a));
  const range = most === least ? 1n : most - least;
  return values
    .map((value, index) => {
      const x = (index * WIDTH) / (values.length - 1);
      // A thousandth of the height is finer than any screen.
      const y = HEIGHT - (Number(((value - least) * 1_000n) / range) * HEIGHT) / 1_000;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

export function EquityCurve() {
  const past = useLoaded((signal) => rest.call("get", "/portfolios/{id}/history", { path: { id: "exchange" }, query: { limit: DAYS }, signal }), []);
  const days: readonly PastValueView[] = past.data?.data ?? [];
  const oldestFirst = [...days].reverse();
  return (
    <Panel title={t("equityCurve")}>
      {days.length < 2 ? (
        <p class="quiet">{t("noCurve")}</p>
      ) : (
        <svg class="curve" viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`} preserveAspectRatio="none" role="img" aria-label={t("equityCurve")}>
          <polyline points={lineOf(oldestFirst.map((day) => cashOf(day.value)))} vector-effect="non-scaling-stroke" />
        </svg>
      )}
      {days.length > 0 && (
        <details>
          <summary>{t("asTable")}</summary>
          <DataTable
            caption={t("equityCurve")}
            rows={days}
            keyOf={(day) => day.day}
            columns={[
              { title: t("day"), cell: (day) => day.day },
              { title: t("value"), cell: (day) => <Cash of={day.value} />, isNumber: true },
              { title: t("cash"), cell: (day) => <Gain of={day.totalPnl} />, isNumber: true },
            ]}
          />
        </details>
      )}
    </Panel>
  );
}
