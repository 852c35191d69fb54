"""Backtests over REST: what goes with what, whose they are, and their bounds."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.research.asked.bodies import StrategyName
from gateway.research.asked.offered import offered, tapes_in
from gateway.research.asked.plan import Plan, tape_file
from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import ParametersRefused, parameters_of
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us
from persistence.repositories.research.backtests import Backtests, Execution
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.venue_fake import VenueFake, caller, venue_market
from tests.gateway.research.asked.plans import SHORT, write_short
from tests.persistence.running import listing

KALSHI = VenueFake(venue_market("KXRAIN-26"), venue_market("KXSNOW-26"))
SAMPLE: dict[str, Any] = {"strategy": "momentum", "tape": "sample"}


@pytest.fixture
async def web(make_web: MakeWeb, tmp_path: Path) -> Web:
    write_short(tmp_path)
    tapes = tmp_path / "tapes"
    tapes.mkdir()
    write_short(tapes)
    made = await make_web(
        catalogues=[KALSHI], BACKTESTS_MAX=4, BACKTESTS_WAITING_MAX=5, BACKTEST_TAPES=tapes
    )
    made.engine.run(listing())
    return made


def test_every_strategy_may_be_asked_for() -> None:
    assert set(StrategyName.__args__) == set(STRATEGIES)  # type: ignore[attr-defined]


async def test_a_backtest_is_asked_for_looked_at_and_deleted(web: Web) -> None:
    ann = await caller(web)
    body = {
        "strategy": "market-maker",
        "parameters": {"size": 500},
        "markets": ["kalshi:KXRAIN-26"],
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-02T00:00:00Z",
        "cash": "250.5",
        "fees": "NONE",
        "latencyMs": 0,
        "seed": 7,
    }
    made = await ann.data("POST", "/backtests", body)
    assert made == {
        "id": made["id"],
        "strategy": "market-maker",
        "parameters": {"half_spread": 200, "size": 500, "most": 10_000, "skew": 300},
        "model": "trades",
        "markets": ["kalshi:KXRAIN-26"],
        "played": [{"id": "kalshi:KXRAIN-26", "slug": None, "question": "Will KXRAIN-26 happen?"}],
        "tape": None,
        "printsOnly": False,
        "from": "2026-01-01T00:00:00.000Z",
        "to": "2026-01-02T00:00:00.000Z",
        "cash": "250.500000",
        "fees": "NONE",
        "latencyMs": 0,
        "seed": 7,
        "status": "QUEUED",
        "progress": "0.0000",
        "events": 0,
        "error": None,
        "requestId": None,
        "createdAt": made["createdAt"],
        "startedAt": None,
        "endedAt": None,
    }
    path = f"/backtests/{made['id']}"
    assert await ann.data("GET", path) == made | {"result": None, "executions": None}
    assert await ann.data("GET", "/backtests") == [made]
    put = await web.parts.pool.fetchval(
        "SELECT count(*) FROM jobs.procrastinate_jobs WHERE queue_name = 'backtests'"
    )
    assert put == 1, "a worker is told"
    ended = await ann.data("POST", f"{path}/cancel")
    assert (ended["status"], ended["endedAt"] is None) == ("CANCELLED", False)
    assert (await ann.call("POST", f"{path}/cancel")).status_code == 409
    assert await ann.data("DELETE", path) is None
    for method, of in (("GET", path), ("DELETE", path), ("POST", f"{path}/cancel")):
        assert (await ann.call(method, of)).status_code == 404


async def test_asked_again_it_is_the_one_that_is_there(make_web: MakeWeb) -> None:
    web = await make_web(BACKTESTS_MAX="2", BACKTESTS_WAITING_MAX="2")
    ann, bob = await caller(web), await caller(web)
    body = {"strategy": "momentum", "tape": "sample", "requestId": "once"}
    answers = await asyncio.gather(*(ann.data("POST", "/backtests", body) for _ in range(8)))
    assert len({one["id"] for one in answers}) == 1
    assert answers[0]["requestId"] == "once"
    other = await ann.call("POST", "/backtests", body | {"seed": 1})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT")
    theirs = await bob.data("POST", "/backtests", body)
    assert theirs["id"] != answers[0]["id"], "an id is its owner's own"
    # With the line full, and after it has ended, it is still the one that is there.
    assert (await ann.call("POST", "/backtests", body | {"requestId": "two"})).status_code == 503
    await ann.data("POST", f"/backtests/{answers[0]['id']}/cancel")
    again = await ann.data("POST", "/backtests", body)
    assert (again["id"], again["status"]) == (answers[0]["id"], "CANCELLED")
    # Deleted, it is nobody's any more.
    await ann.data("DELETE", f"/backtests/{answers[0]['id']}")
    assert (await ann.data("POST", "/backtests", body))["id"] != answers[0]["id"]
    wrong = await ann.call("POST", "/backtests", body | {"requestId": "a b"})
    assert (wrong.status_code, "requestId" in wrong.text) == (400, True)


async def test_nobody_takes_the_whole_line(make_web: MakeWeb) -> None:
    web = await make_web(BACKTESTS_WAITING_PER_PERSON="2", BACKTESTS_WAITING_MAX="4")
    ann, bob = await caller(web), await caller(web)
    asked = [ann.call("POST", "/backtests", SAMPLE | {"seed": seed}) for seed in range(6)]
    answers = await asyncio.gather(*asked)
    assert sorted(one.status_code for one in answers) == [201, 201, 422, 422, 422, 422]
    refusal = next(one for one in answers if one.status_code == 422).json()["error"]
    assert refusal["code"] == "LIMIT_REACHED"
    assert refusal["message"].startswith("at most 2 of your backtests wait at a time")
    assert (await bob.call("POST", "/backtests", SAMPLE)).status_code == 201
    waiting = (await ann.data("GET", "/backtests"))[0]
    await ann.data("POST", f"/backtests/{waiting['id']}/cancel")
    assert (await ann.call("POST", "/backtests", SAMPLE)).status_code == 201


async def test_what_may_be_named_is_told_and_taken(web: Web, make_web: MakeWeb) -> None:
    ann = await caller(web)
    told = await ann.data("GET", "/backtests/strategies")
    assert (told["available"], told["tapes"]) == (True, ["sample", SHORT])
    assert [one["name"] for one in told["strategies"]] == list(STRATEGIES)
    maker = told["strategies"][0]
    assert (maker["name"], bool(maker["title"])) == ("market-maker", True)
    assert maker["parameters"][0] == {
        "name": "half_spread",
        "kind": "integer",
        "default": 200,
        "minimum": 1,
        "exclusiveMinimum": None,
        "maximum": 4_999,
    }
    none = await caller(await make_web(BACKTESTS_AT_ONCE=0))
    told = await none.data("GET", "/backtests/strategies")
    assert (told["available"], told["tapes"]) == (False, ["sample"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_told_of_parameters_is_what_is_taken(strategy: str) -> None:
    [shown] = [one for one in offered(available=True, tapes=[]).strategies if one.name == strategy]
    kind, takes = STRATEGIES[strategy], []
    for one in shown.parameters:
        step = 1 if one.kind == "integer" else 1e-9
        assert one.maximum is not None
        right = [one.default, one.maximum]
        wrong: list[int | float] = [one.maximum + max(step, 1)]
        if one.minimum is not None:
            right.append(one.minimum)
            wrong.append(one.minimum - step)
        else:
            assert one.exclusive_minimum is not None
            right.append(one.exclusive_minimum + step)
            wrong.append(one.exclusive_minimum)
        for value in right:
            made = parameters_of(kind, {one.name: value})
            assert getattr(made, one.name) == value
        for value in wrong:
            with pytest.raises(ParametersRefused):
                parameters_of(kind, {one.name: value})
        takes.append((one.name, one.default))
    assert dict(takes) == msgspec.to_builtins(kind.Parameters())


def test_tapes_are_named_as_they_may_be_asked_for(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl.gz", "a.jsonl", "sample.jsonl", ".h.jsonl", "c d.jsonl", "e"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jsonl").mkdir()
    names = tapes_in(tmp_path)
    assert names == ["sample", "a", "b"]
    assert all(tape_file(tmp_path, name) for name in names[1:])
    assert tapes_in(tmp_path / "none") == tapes_in(None) == ["sample"]


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"strategy": "mine.py", "tape": "sample"}, "strategy"),
    ({"strategy": "momentum"}, "tape"),
    (SAMPLE | {"markets": ["rain"]}, "tape"),
    (SAMPLE | {"tape": "../etc/passwd"}, "tape"),
    (SAMPLE | {"tape": f"../{SHORT}"}, "tape"),  # a file that is there, beside the folder
    (SAMPLE | {"tape": f"{SHORT}\n"}, "tape"),
    (SAMPLE | {"tape": "none"}, "tape"),
    ({"strategy": "momentum", "markets": ["no"]}, "markets[0]"),
    ({"strategy": "momentum", "markets": ["rain", "kalshi:NO"]}, "markets[1]"),
    ({"strategy": "momentum", "markets": ["rain", "kalshi:KXRAIN-26"]}, "markets"),
    ({"strategy": "arbitrage", "markets": ["kalshi:KXRAIN-26"] * 2}, "markets"),
    ({"strategy": "momentum", "markets": ["rain"], "fees": "NONE"}, "fees"),
    ({"strategy": "momentum", "markets": ["rain"], "printsOnly": True}, "printsOnly"),
    (SAMPLE | {"parameters": {"speed": 1}}, "parameters"),
    (SAMPLE | {"parameters": {"size": 0}}, "parameters"),
    (SAMPLE | {"parameters": {"size": "1"}}, "parameters[...]"),
    (SAMPLE | {"cash": "0"}, "cash"),
    (SAMPLE | {"cash": "1e9"}, "cash"),
    (SAMPLE | {"latencyMs": -1}, "latencyMs"),
    (SAMPLE | {"seed": 2**53}, "seed"),
    (SAMPLE | {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
)


def test_no_name_of_a_tape_leads_out_of_its_folder(tmp_path: Path) -> None:
    outside, tapes = write_short(tmp_path), tmp_path / "tapes"
    tapes.mkdir()
    inside = write_short(tapes)
    for name in (f"../{SHORT}", str(outside.with_suffix("")), f"./{SHORT}", f"{SHORT}\n", ""):
        assert tape_file(tapes, name) is None, name
    assert tape_file(tapes, SHORT) == inside


async def test_what_goes_with_what(web: Web) -> None:
    ann = await caller(web)
    for body, field in WRONG:
        status, named = await ann.refused("POST", "/backtests", body)
        assert status in {400, 404}, body
        assert named == [field], body
    assert await ann.data("GET", "/backtests") == []


async def test_what_each_is_played_on(web: Web) -> None:
    ann = await caller(web)
    ours = await ann.data("POST", "/backtests", {"strategy": "momentum", "markets": ["rain"]})
    assert (ours["model"], ours["markets"], ours["cash"]) == ("book", ["1"], "10000.000000")
    named = [{"id": "1", "slug": "rain", "question": "Will it rain?"}]
    seen = await ann.data("GET", f"/backtests/{ours['id']}")
    assert [one["played"] for one in (ours, seen, *await ann.data("GET", "/backtests"))] == (
        [named] * 3
    ), "nobody calls it by its number"
    both = {"strategy": "arbitrage", "markets": ["kalshi:KXRAIN-26", "kalshi:KXSNOW-26"]}
    assert (await ann.data("POST", "/backtests", both))["markets"] == both["markets"]
    tape = await ann.data("POST", "/backtests", SAMPLE | {"tape": SHORT, "printsOnly": True})
    assert (tape["model"], tape["tape"], tape["printsOnly"]) == ("trades", SHORT, True)
    stored = await web.parts.pool.fetchval(
        "SELECT plan FROM backtest_results WHERE id = $1", int(tape["id"])
    )
    assert msgspec.json.decode(stored, type=Plan).latency_us == 50_000


async def test_the_list_is_filtered_paged_and_ones_own(web: Web) -> None:
    ann, bob = await caller(web), await caller(web)
    ids = [(await ann.data("POST", "/backtests", SAMPLE))["id"] for _ in range(3)]
    last = await ann.data("POST", "/backtests", SAMPLE | {"strategy": "arbitrage"})
    await ann.data("POST", f"/backtests/{ids[0]}/cancel")

    async def listed(query: str) -> list[str]:
        return [one["id"] for one in await ann.data("GET", f"/backtests?{query}")]

    assert await listed("") == [last["id"], *reversed(ids)]
    assert await listed("strategy=momentum&status=QUEUED") == [ids[2], ids[1]]
    answer = (await ann.call("GET", "/backtests?strategy=momentum&limit=2")).json()
    assert answer["pagination"]["total"] == 3
    rest = f"strategy=momentum&limit=2&cursor={answer['nextCursor']}"
    assert await listed(rest) == [ids[0]]
    assert await bob.data("GET", "/backtests") == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel")):
        assert (await bob.call(method, f"/backtests/{ids[1]}{path}")).status_code == 404


async def test_there_are_only_so_many(web: Web, make_web: MakeWeb) -> None:
    ann, bob = await caller(web), await caller(web)
    for _ in range(4):
        await ann.data("POST", "/backtests", SAMPLE)
    answer = await ann.call("POST", "/backtests", SAMPLE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "LIMIT_REACHED")
    await bob.data("POST", "/backtests", SAMPLE)
    assert (await bob.call("POST", "/backtests", SAMPLE)).status_code == 503, "all that may wait"
    none = await make_web(BACKTESTS_AT_ONCE=0)
    assert (await (await caller(none)).call("POST", "/backtests", SAMPLE)).status_code == 503


async def test_fills_are_shown_to_whoever_asks_for_them(web: Web) -> None:
    ann = await caller(web)
    made = await ann.data("POST", "/backtests", SAMPLE)
    rows, now = Backtests(web.parts.pool), now_us()
    run = await rows.claim(now)
    assert run is not None
    fills = [Execution(now, "rain", 1, "BUY", 5_500, 1_000, 20_000, is_maker=True)]
    assert await rows.end(run, '{"stopped":"3 events"}', 3, fills, now)
    found = await ann.data("GET", f"/backtests/{made['id']}")
    assert (found["status"], found["result"], found["executions"]) == (
        "DONE",
        {"stopped": "3 events"},
        None,
    )
    found = await ann.data("GET", f"/backtests/{made['id']}?executions=true")
    assert found["executions"] == [
        {
            "at": iso_millis(now),
            "market": "rain",
            "order": 1,
            "side": "BUY",
            "price": "0.5500",
            "quantity": "10.00",
            "fee": "0.020000",
            "maker": True,
        }
    ]
