// The leaderboards: three of them, each of four periods, and where one stands oneself.

import { rest } from "@/api/rest";
import type { LeaderView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { useListed, useLoaded } from "@/parts/loading";
import { user } from "@/session/session";
import { query } from "@/shell/router";
import type { PageProps } from "@/shell/routes";
import { moment } from "@/units/time";
import { OwnStanding } from "./OwnStanding";
import { addressOf, barOf, BOARDS, boardOf, PERIODS, periodOf, scoreText, type Board, type Period } from "./scores";
import { t } from "./texts";
import "@/parts/parts.css";
import "./boards.css";

const PAGE = 50;
/** How often it is looked whether a board was made anew. */
const EVERY_MS = 15_000;
const PATHS = { pnl: "/leaderboard/pnl", volume: "/leaderboard/volume", calibration: "/leaderboard/calibration" } as const;

export default function BoardsPage({ params }: PageProps) {
  const board = boardOf(params["board"]);
  const period = periodOf(query.value.get("period"));
  return (
    <div class="page boards">
      <h1>{t("boards")}</h1>
      <nav class="tabs parts" aria-label={t("boards")}>
        {BOARDS.map((one) => <a key={one} href={addressOf(one, period)} aria-current={one === board ? "page" : undefined}>{t(one)}</a>)}
      </nav>
      <div class="stack">
        <nav class="segments filled periods" aria-label={t("period")}>
          {PERIODS.map((one) => <a key={one} href={addressOf(board, one)} aria-current={one === period ? "true" : undefined}>{t(one)}</a>)}
        </nav>
        <OwnStanding board={board} period={period} />
        <Shown key={`${board} ${period}`} board={board} period={period} />
      </div>
    </div>
  );
}

function Shown({ board, period }: { board: Board; period: Period }) {
  const newest = useLoaded((signal) => rest.call("get", PATHS[board], { query: { period, limit: 1 }, signal }), [board, period], EVERY_MS);
  const asOf = newest.data?.meta.asOf ?? null;
  const first = newest.data?.data[0]?.value ?? "0";
  // Places of two runs don't go together: a board that was made anew begins at its first place.
  const list = useListed((cursor, signal) => rest.call("get", PATHS[board], { query: { period, limit: PAGE, cursor }, signal }), [board, period, asOf?.at]);
  const own = user.value?.id;
  const when = asOf === null ? undefined : <span class="quiet small" data-as-of>{t("asOf", { time: moment(asOf.at) })} {asOf.stale && <span class="badge warn">{t("late")}</span>}</span>;
  return (
    <Panel title={t(board)} isPlain actions={when}>
      <p class="quiet what">{t(`${board}What`)}</p>
      <ListTable<LeaderView>
        caption={t(board)}
        list={list}
        keyOf={(one) => one.userId}
        empty={<>{t(asOf === null ? "soon" : "nobody")} {t("nobodyWhy")}</>}
        columns={[
          { title: t("rank"), cell: (one) => <span class={one.rank <= 3 ? `rank of-${one.rank}` : "rank"}>{one.rank}</span> },
          { title: t("who"), cell: (one) => <Person one={one} isOwn={one.userId === own} /> },
          { title: t(`value_${board}`), cell: (one) => <Score board={board} value={one.value} first={first} />, isNumber: true },
          ...(board === "calibration" ? [{ title: t("positions"), cell: (one: LeaderView) => one.positions, isNumber: true }] : []),
        ]}
      />
    </Panel>
  );
}

function Person({ one, isOwn }: { one: LeaderView; isOwn: boolean }) {
  return (
    <span class="person" data-person={one.userId}>
      {one.avatarUrl === null ? <span class="face" aria-hidden="true">{initialOf(one.displayName)}</span> : <img class="face" src={one.avatarUrl} alt="" width="24" height="24" loading="lazy" />}
      <span class="name">{one.displayName}</span>
      {one.username !== null && <span class="quiet">@{one.username}</span>}
      {isOwn && <span class="badge own">{t("you")}</span>}
    </span>
  );
}

/** The first letter of a name, a whole one however it is written. */
function initialOf(name: string): string {
  return String.fromCodePoint(name.codePointAt(0) ?? 0x3f).toUpperCase();
}

function Score({ board, value, first }: { board: Board; value: string; first: string }) {
  const tone = board !== "pnl" || !/[1-9]/.test(value) ? "" : value.startsWith("-") ? "down" : "up";
  return (
    <span class="score">
      <strong class={tone}>{scoreText(board, value)}</strong>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="4" /><rect width={barOf(board, value, first)} height="4" /></svg>
    </span>
  );
}
