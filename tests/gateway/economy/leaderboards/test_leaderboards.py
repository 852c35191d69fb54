"""The boards over REST, around a real database and boards that were written by hand."""

import asyncio
from typing import Any

import pytest

from gateway.economy.leaderboards import reading
from gateway.economy.leaderboards.reading import Reading
from gateway.observability.metrics import Metrics
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import DatabaseUnavailable
from persistence.repositories.leaderboards.boards import Leaderboards
from persistence.repositories.leaderboards.words import Board, Span
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.leaderboards.boards import MADE_AT, PATH, hide, put_board, shown


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember nothing, but where a test says so."""
    monkeypatch.setattr(reading, "FRESH_S", 0.0)


async def three(web: Web) -> list[Person]:
    """Three people, with a board of each kind that begins with the first one."""
    people = [await web.register() for _ in range(3)]
    ids = [person.id for person in people]
    pool = web.parts.pool
    await put_board(pool, Board.PNL, Span.ALL, list(zip(ids, (5_000_000, 0, -1), strict=True)))
    await put_board(pool, Board.VOLUME, Span.DAY, list(zip(ids, (30, 20, 10), strict=True)))
    errors = (0, 6_250_000, 100_000_000)
    await put_board(pool, Board.CALIBRATION, Span.WEEK, list(zip(ids, errors, strict=True)))
    return people


def values(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one["rank"], one["value"]) for one in answer["data"]]


async def test_boards_show_places_and_how_old_they_are(web: Web) -> None:
    ann, *_ = await three(web)
    answer = await shown(web, "pnl")
    assert values(answer) == [(1, "5.000000"), (2, "0.000000"), (3, "-0.000001")]
    assert answer["data"][0] == {
        "rank": 1,
        "userId": str(ann.id),
        "displayName": f"Trader-{ann.id}",
        "username": None,
        "avatarUrl": None,
        "value": "5.000000",
        "positions": 6,
    }
    assert answer["pagination"] == {"total": 3, "limit": 50, "offset": 0, "hasMore": False}
    assert answer["meta"]["asOfSeq"] == 7
    assert answer["meta"]["asOf"]["at"] == "2026-09-21T14:13:20.000Z"
    assert values(await shown(web, "volume?period=day")) == [
        (1, "0.000030"),
        (2, "0.000020"),
        (3, "0.000010"),
    ]
    assert values(await shown(web, "calibration?period=week")) == [
        (1, "0.00000000"),
        (2, "0.06250000"),
        (3, "1.00000000"),
    ]


@pytest.mark.parametrize(
    ("minutes", "age", "is_stale"),
    [(15, 34, False), (15, 36, True), (60, 59, False), (60, 124, False), (60, 126, True)],
)
async def test_a_board_is_late_when_two_runs_failed(
    make_web: MakeWeb, minutes: int, age: int, is_stale: bool
) -> None:
    web = await make_web(LEADERBOARD_MINUTES=str(minutes))
    made_at = now_us() - age * 60 * MICROSECONDS
    await put_board(web.parts.pool, Board.PNL, Span.ALL, [(1, 1)], made_at=made_at)
    assert (await shown(web, "pnl"))["meta"]["asOf"]["stale"] is is_stale


async def test_before_the_first_run_there_is_nothing(web: Web) -> None:
    answer = await shown(web, "volume")
    assert (answer["data"], answer["pagination"]["total"]) == ([], 0)
    assert "asOf" not in answer["meta"]
    ann = await web.register()
    own = (await web.client.get(f"{PATH}/me", headers=ann.bearer)).json()["data"]
    assert (own["madeAt"], own["pnl"]) == (
        None,
        {"value": None, "rank": None, "of": 0, "listed": False},
    )


async def test_a_board_goes_on_by_cursor_and_by_offset(web: Web) -> None:
    await three(web)
    first = await shown(web, "pnl?limit=2")
    assert [rank for rank, _ in values(first)] == [1, 2]
    rest = await shown(web, f"pnl?limit=2&cursor={first['nextCursor']}")
    assert [rank for rank, _ in values(rest)] == [3]
    assert rest["nextCursor"] is None
    assert values(await shown(web, "pnl?limit=2&offset=2")) == values(rest)
    assert values(await shown(web, "pnl?offset=3")) == []


async def test_who_leaves_the_boards_is_gone_at_once_and_comes_back(web: Web) -> None:
    _, bob, _ = await three(web)
    assert (await hide(web, bob)).status_code == 200
    assert [rank for rank, _ in values(await shown(web, "pnl"))] == [1, 3]
    assert (await hide(web, bob, shows=True)).status_code == 200
    assert [rank for rank, _ in values(await shown(web, "pnl"))] == [1, 2, 3]


async def test_names_are_shown_as_their_owners_want(web: Web) -> None:
    ann, *_ = await three(web)
    path, body = "/api/v1/users/me", {"username": "ann", "displayName": "Ann"}
    assert (await web.client.patch(path, json=body, headers=ann.bearer)).status_code == 200
    first = (await shown(web, "pnl"))["data"][0]
    assert (first["displayName"], first["username"]) == ("Ann", "ann")
    unnamed = {"profile": {"username": False}}
    path += "/preferences"
    assert (await web.client.put(path, json=unnamed, headers=ann.bearer)).status_code == 200
    first = (await shown(web, "pnl"))["data"][0]
    assert (first["displayName"], first["username"]) == ("Ann", None)


async def test_where_one_stands(web: Web) -> None:
    ann, *_ = await three(web)
    await web.parts.pool.execute(
        "INSERT INTO leaderboard_standings VALUES ($1, 1, 5000000, 9, NULL, 2, 1, 4, NULL)", ann.id
    )
    answer = (await web.client.get(f"{PATH}/me", headers=ann.bearer)).json()
    assert answer["data"] == {
        "period": "all",
        "since": None,
        "madeAt": "2026-09-21T14:13:20.000Z",
        "shown": True,
        "pnl": {"value": "5.000000", "rank": 1, "of": 3, "listed": True},
        "volume": {"value": "0.000009", "rank": 4, "of": 0, "listed": True},
        "calibration": {"value": None, "rank": None, "of": 0, "listed": False},
        "positions": 2,
    }
    await hide(web, ann)
    answer = (await web.client.get(f"{PATH}/me", headers=ann.bearer)).json()
    assert (answer["data"]["shown"], answer["data"]["pnl"]["value"]) == (False, "5.000000")
    assert (await web.client.get(f"{PATH}/me")).status_code == 401


@pytest.mark.parametrize(
    "query", ["period=year", "period=", "limit=0", "cursor=x", "offset=-1", "board=pnl"]
)
async def test_what_is_no_query_is_refused(web: Web, query: str) -> None:
    answer = await web.client.get(f"{PATH}/pnl?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == query.partition("=")[0]


async def test_a_command_that_no_run_has_seen_is_not_yet_reached(web: Web) -> None:
    await three(web)
    web.parts.engine.view.seq = 8
    assert (await web.client.get(f"{PATH}/pnl?minSeq=7")).status_code == 200
    answer = await web.client.get(f"{PATH}/pnl?minSeq=8")
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "NOT_YET_REACHED")


class Counting(Leaderboards):
    """Counts what is asked, and fails when told to."""

    def __init__(self, web: Web) -> None:
        super().__init__(web.parts.pool)
        self.asked = 0
        self.fails = False

    async def people(self, ids: Any) -> Any:
        self.asked += 1
        await asyncio.sleep(0.02)
        if self.fails:
            raise DatabaseUnavailable("away")
        return await super().people(ids)


async def test_many_at_once_ask_once_and_the_answer_is_kept_for_a_moment(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three(web)
    monkeypatch.setattr(reading, "FRESH_S", 15.0)
    monkeypatch.setattr(reading, "PAGES_MAX", 3)
    now, rows = [100.0], Counting(web)
    reader = Reading(rows, None, Metrics().cache, lambda: now[0])

    async def read(after: int = 0) -> int:
        return len((await reader.page(Board.PNL, Span.ALL, after, 2)).places)

    assert await asyncio.gather(*(read() for _ in range(50))) == [2] * 50
    assert rows.asked == 1
    now[0] += 14
    assert (await read(), rows.asked) == (2, 1)
    now[0] += 2
    rows.fails = True
    waiting = [asyncio.ensure_future(read()) for _ in range(5)]
    failed = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, DatabaseUnavailable) for one in failed)
    # What failed isn't remembered, and whoever leaves takes nobody's answer away.
    rows.fails = False
    left, stays = asyncio.ensure_future(read()), asyncio.ensure_future(read())
    await asyncio.sleep(0)
    left.cancel()
    assert (await stays, rows.asked) == (2, 3)
    assert (await read(2), await read(1)) == (1, 2)
    assert len(reader._known) == 3


async def test_a_board_made_anew_while_it_is_read_is_read_again(web: Web) -> None:
    ann, *_ = await three(web)
    rows = Leaderboards(web.parts.pool)
    reader = Reading(rows, None, Metrics().cache)
    await reader.head(Board.PNL, Span.ALL)
    for key, (_, task) in list(reader._known.items()):
        reader._known[key] = float("inf"), task
    later = MADE_AT + 1
    await put_board(web.parts.pool, Board.PNL, Span.ALL, [(ann.id, 1)], made_at=later)
    page = await reader.page(Board.PNL, Span.ALL, 0, 10)
    assert (page.head.made_at, [one.score for one, _ in page.places]) == (later, [1])
