// Where one stands on all three boards, whether others see it, and changing that.

import { rest } from "@/api/rest";
import type { OwnPlaceView } from "@/api/schema";
import { Failed } from "@/parts/DataTable";
import { Problem, useSending } from "@/parts/Form";
import { useLoaded } from "@/parts/loading";
import { keepPreferences } from "@/session/ownPreferences";
import { standing, user } from "@/session/session";
import { notify } from "@/shell/notices";
import { path } from "@/shell/router";
import { moment } from "@/units/time";
import { addressOf, BOARDS, scoreText, type Board, type Period } from "./scores";
import { t } from "./texts";

const EVERY_MS = 15_000;

export function OwnStanding({ board, period }: { board: Board; period: Period }) {
  if (standing.value === "in") return <Own board={board} period={period} />;
  if (standing.value === "unknown") return null;
  return <p><a href={`/sign-in?next=${encodeURIComponent(path.value)}`}>{t("signIn")}</a> {t("signInWhy")}</p>;
}

function Own({ board, period }: { board: Board; period: Period }) {
  const own = useLoaded((signal) => rest.call("get", "/leaderboard/me", { query: { period }, signal }), [period, user.value?.id], EVERY_MS);
  const { problem, isBusy, run } = useSending();
  if (own.data === null) return own.error === null ? <div class="own-empty" aria-busy="true" /> : <Failed error={own.error} reload={own.reload} />;
  const now = own.data.data;
  const setShown = async () => {
    const id = user.peek()?.id;
    if (id === undefined) return;
    const { data } = await rest.call("get", "/users/me/preferences");
    await keepPreferences(id, { profile: { ...data.profile, leaderboards: !now.shown } });
    notify("good", t(now.shown ? "hiding" : "showing"));
    own.reload();
  };
  return (
    <section class="stack" aria-label={t("own")}>
      <dl class="figures own" data-own>
        {BOARDS.map((one) => (
          <div key={one} class={one === board ? "current" : ""}>
            <dt><a href={addressOf(one, period)}>{t(one)}</a></dt>
            <dd data-figure={one}><Place board={one} place={now[one]} isShown={now.shown} /></dd>
          </div>
        ))}
      </dl>
      <div class="row privacy">
        <span>{t(now.shown ? "shown" : "hidden")}</span>
        <button class="button small" disabled={isBusy.value} onClick={() => void run(setShown)}>{t(now.shown ? "hide" : "show")}</button>
        <small class="quiet">{t("privacy")}{now.since !== null && ` · ${t("since", { time: moment(now.since) })}`}</small>
      </div>
      <Problem problem={problem.value} />
    </section>
  );
}

function Place({ board, place, isShown }: { board: Board; place: OwnPlaceView; isShown: boolean }) {
  return (
    <>
      {place.value === null ? "–" : scoreText(board, place.value)}
      <small>{place.rank === null ? t(isShown ? "noPlace" : "noPlaceHidden") : t("place", { rank: place.rank, of: place.of })}</small>
    </>
  );
}
