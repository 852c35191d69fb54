"""Books of the past: what is asked for at random is what was recorded live, across restarts, a
crash and halts; what is wrong is refused before anything is read.
"""

from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final

import httpx
import pytest

from exchange.messages.commands import AmendOrder, ResolveMarket, SetMarketStatus
from exchange.messages.terms import YES, MarketStatus, Outcome, Resolution
from gateway.engine_side.replays import ReplayPool
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.projection import projector
from persistence.repositories import past_books
from persistence.repositories.past_books import PastBooks
from tests.conftest import SetBound
from tests.gateway.markets.past.recorded import (
    Moment,
    Recording,
    looking_back,
    project_all,
    run_all,
    shown,
)
from tests.lengths import length
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import HOUR, Running, listing, open_for_trade, running

COMMANDS = length(700, long=30_000)
POINTS = length(90, long=1_000)
MARKETS = (1, 2, 3)


@pytest.fixture
async def replays() -> AsyncIterator[ReplayPool]:
    pool = ReplayPool(timeout_s=60)
    yield pool
    pool.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def often(set_bound: SetBound) -> None:
    """Checkpoints so close to each other that a short past has many."""
    set_bound(past_books, "CHECKPOINT_EVERY", 50)
    set_bound(past_books, "REPLAYED_MOST", 100)
    set_bound(projector, "COMMANDS_AT_ONCE", 30)


async def a_past(url: str, recording: Recording) -> None:
    """Three lives of an engine, of which the second ends by a crash; each knows a halt, and none
    the end of a market, behind which there would be no past to ask for.
    """
    random = Random(7)
    done = [one for one in commands(7, COMMANDS) if not isinstance(one, ResolveMarket)]
    third = len(done) // 3
    begin = now_us() - 3 * HOUR
    for life in range(3):
        async with running(url, listeners=[recording]) as engine:
            engine.clock.fixed = max(begin, engine.view.now)
            if life == 0:
                await run_all(engine, opening())
            await run_all(engine, done[life * third : (life + 1) * third - 20])
            market = random.choice(MARKETS)
            await engine.send(SetMarketStatus(market, MarketStatus.HALTED))
            await lessen_orders(engine)
            await run_all(engine, done[(life + 1) * third - 20 : (life + 1) * third])
            await engine.send(SetMarketStatus(market, MarketStatus.OPEN))
            if life == 1:
                engine.crash()
        await project_all(url, steps=2)


async def lessen_orders(engine: Running) -> None:
    """Take a share off every order that rests and has two, as is allowed in a halt."""
    for order in [*engine.view.orders.values()]:
        if order.resting and order.remaining > 200:
            less = (order.quantity or 0) - 100
            await engine.send(AmendOrder(order.account_id, order.id, None, less))


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(f"/markets/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def pages(client: httpx.AsyncClient, path: str, random: Random, **query: Any) -> list[Any]:
    """Read a list to its end, pages of any size."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        limit = random.randint(1, 200)
        answer = await client.get(f"/markets/{path}", params=query | cursor | {"limit": limit})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert 1 <= len(body["data"]) <= limit
        found += body["data"]
        if body["nextCursor"] is None:
            return found
        cursor = {"cursor": body["nextCursor"]}


@pytest.mark.usefixtures("often")
@pytest.mark.timeout(600)
async def test_any_book_of_the_past_is_the_one_recorded_live(
    database_url: str, pool: DeadlinePool, replays: ReplayPool
) -> None:
    recording, random = Recording(), Random(11)
    await a_past(database_url, recording)
    reached = await project_all(database_url)
    assert reached == recording.commands
    async with (
        running(database_url, listeners=[recording]) as engine,
        looking_back(engine.view, pool, replays) as client,
    ):
        for number in range(POINTS):
            market, outcome = random.choice(MARKETS), random.choice([*Outcome])
            moments = recording.markets[market]
            moment, depth = random.choice(moments), random.choice((1, 10, 200))
            by = ("atSeq", "at")[number % 2]
            if by == "atSeq":
                query: dict[str, Any] = {"atSeq": moment.seq}
            else:
                query = {"at": iso_millis(moment.at)}
                same = [m for m in moments if m.at // 1_000 == moment.at // 1_000]
                moment = same[-1]
            query |= {"outcome": outcome.value, "depth": depth}
            book = await get(client, f"{market}/orderbook", **query)
            assert book == book | shown(moment, outcome, depth), (market, query)
        for market in MARKETS:
            moments = recording.markets[market]
            for seq in (1, moments[-1].seq):
                book = await get(client, f"{market}/orderbook", atSeq=seq, depth=200)
                assert book == book | shown(moments[seq - 1], YES, 200)
            late = await get(client, f"{market}/orderbook", at=iso_millis(now_us()))
            assert late["seq"] == moments[-1].seq


@pytest.mark.usefixtures("often")
@pytest.mark.timeout(600)
async def test_changes_and_the_order_log_are_those_of_the_live_book(
    database_url: str, pool: DeadlinePool, replays: ReplayPool
) -> None:
    recording, random = Recording(), Random(12)
    await a_past(database_url, recording)
    await project_all(database_url)
    kinds: Counter[str] = Counter()
    async with (
        running(database_url, listeners=[recording]) as engine,
        looking_back(engine.view, pool, replays) as client,
    ):
        for market in MARKETS:
            moments = recording.markets[market]
            for outcome in Outcome:
                after = random.choice((0, random.randint(0, len(moments) - 1)))
                deltas = await pages(
                    client,
                    f"{market}/orderbook/deltas",
                    random,
                    afterSeq=after,
                    outcome=outcome.value,
                )
                assert deltas == [a_delta(moment, outcome) for moment in moments[after:]]
            log = await pages(client, f"{market}/orderbook/orders", random)
            assert [step["seq"] for step in log] == [moment.seq for moment in moments]
            queues: dict[tuple[str, str], dict[str, str]] = {}
            for step, moment in zip(log, moments, strict=True):
                assert step["at"] == iso_millis(moment.at)
                for entry in step["entries"]:
                    take(queues, entry)
                assert laid_out(queues) == moment.orders
            kinds.update(entry["kind"] for step in log for entry in step["entries"])
            assert not {"accountId", "orderId", "clientOrderId"} & {
                key for step in log for entry in step["entries"] for key in entry
            }
            last = moments[-1].seq
            for path in ("deltas", "orders"):
                assert await get(client, f"{market}/orderbook/{path}", afterSeq=last) == []
    assert kinds.keys() == {"add", "reduce", "remove", "trade"}


def a_delta(moment: Moment, outcome: Outcome) -> dict[str, Any]:
    """What a delta has to be: what the socket told."""
    bids, asks = moment.changes[outcome]
    return {
        "seq": moment.seq,
        "prevSeq": moment.seq - 1,
        "at": iso_millis(moment.at),
        "bids": [list(level) for level in bids],
        "asks": [list(level) for level in asks],
        "checksum": moment.checksums[outcome],
    }


def take(queues: dict[tuple[str, str], dict[str, str]], entry: dict[str, Any]) -> None:
    """Follow the order log as a reader does who has nothing else."""
    place = entry["side"], entry["price"]
    queue = queues.setdefault(place, {})
    assert (entry["order"] in queue) is (entry["kind"] != "add")
    assert ("tradeNo" in entry) is (entry["kind"] == "trade")
    if entry["kind"] == "trade":
        assert next(iter(queue)) == entry["order"]
    queue[entry["order"]] = entry["remaining"]
    if entry["remaining"] == "0.00":
        del queue[entry["order"]]
    if not queue:
        del queues[place]


def laid_out(queues: dict[tuple[str, str], dict[str, str]]) -> list[tuple[bool, int, int]]:
    """Lay the queues out as a moment has them."""
    places = [(side == "bid", round(float(price) * 10_000)) for side, price in queues]
    found = zip(places, queues.values(), strict=True)
    best_first = sorted(found, key=lambda one: (not one[0][0], one[0][1] * (1 - 2 * one[0][0])))
    return [
        (is_bid, price, round(float(left) * 100))
        for (is_bid, price), queue in best_first
        for left in queue.values()
    ]


async def test_what_is_not_written_yet_is_read_from_the_journal_as_far_as_that_is_bounded(
    database_url: str, pool: DeadlinePool, replays: ReplayPool, set_bound: SetBound
) -> None:
    set_bound(past_books, "CHECKPOINT_EVERY", 50)
    set_bound(past_books, "REPLAYED_MOST", 100)
    recording = Recording()
    async with (
        running(database_url, listeners=[recording]) as engine,
        looking_back(engine.view, pool, replays) as client,
    ):
        await run_all(engine, [*opening(), *commands(3, 60)])
        moment = recording.markets[1][-1]
        book = await get(client, "1/orderbook", atSeq=moment.seq)
        assert book == book | shown(moment, YES, 20)
        await run_all(engine, [*commands(4, 120)])
        moment = recording.markets[1][-1]
        last = moment.seq
        for query in (
            f"?atSeq={last}",
            f"?at={iso_millis(now_us())}",
            f"/deltas?afterSeq={last - 1}",
        ):
            answer = await client.get(f"/markets/1/orderbook{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
            assert answer.headers["retry-after"] == "1"
        await project_all(database_url)
        book = await get(client, "1/orderbook", atSeq=last)
        assert book == book | shown(moment, YES, 20)


class NothingIsRead:
    """In the place of the store: whatever is asked of it is too much."""

    async def fetchrow(self, *_asked: object) -> Any:
        raise AssertionError("the store was asked")

    fetch = fetchval = fetchrow


async def a_market(engine: Running) -> None:
    await open_for_trade(engine)
    await engine.send(listing("secret", draft=True))
    await engine.send(ResolveMarket(1, Resolution.YES, None, "seen"))


WRONG: Final = [
    ("rain/orderbook?atSeq=3", 416, "atSeq"),
    ("rain/orderbook?atSeq=4611686018427387903", 416, "atSeq"),
    ("rain/orderbook?atSeq=4611686018427387904", 400, "atSeq"),
    ("rain/orderbook?atSeq=0", 400, "atSeq"),
    ("rain/orderbook?atSeq=-1", 400, "atSeq"),
    ("rain/orderbook?atSeq=1.0", 400, "atSeq"),
    ("rain/orderbook?atSeq=two", 400, "atSeq"),
    ("rain/orderbook?atSeq=", 400, "atSeq"),
    ("rain/orderbook?atSeq=1&atSeq=2", 400, "atSeq"),
    ("rain/orderbook?atSeq=1&at=2026-01-31T12:00:00Z", 400, "at"),
    ("rain/orderbook?atSeq=1&depth=201", 400, "depth"),
    ("rain/orderbook?at=2020-01-31T12:00:00Z", 404, None),
    ("rain/orderbook?at=9999-12-31T23:59:59Z", 416, "at"),
    ("rain/orderbook?at=1969-12-31T23:59:59Z", 400, "at"),
    ("rain/orderbook?at=2026-01-31", 400, "at"),
    ("rain/orderbook?at=2026-02-31T12:00:00Z", 400, "at"),
    ("rain/orderbook?at=1767225600", 400, "at"),
    ("rain/orderbook/deltas?afterSeq=3", 416, "afterSeq"),
    ("rain/orderbook/deltas?cursor=3", 416, "cursor"),
    ("rain/orderbook/deltas?cursor=x", 400, "cursor"),
    ("rain/orderbook/deltas?afterSeq=-1", 400, "afterSeq"),
    ("rain/orderbook/deltas?limit=0", 400, "limit"),
    ("rain/orderbook/deltas?limit=201", 400, "limit"),
    ("rain/orderbook/deltas?outcome=MAYBE", 400, "outcome"),
    ("rain/orderbook/deltas?to=3", 400, "to"),
    ("rain/orderbook/orders?afterSeq=3", 416, "afterSeq"),
    ("rain/orderbook/orders?outcome=NO", 400, "outcome"),
    ("hail/orderbook?atSeq=1", 404, None),
    ("secret/orderbook?atSeq=1", 404, None),
    ("secret/orderbook/deltas", 404, None),
    ("secret/orderbook/orders", 404, None),
    ("3/orderbook/orders", 404, None),
]


async def test_what_is_wrong_is_refused_before_anything_is_read(
    database_url: str, replays: ReplayPool
) -> None:
    async with running(database_url) as engine:
        await a_market(engine)
        nothing: Any = NothingIsRead()
        async with looking_back(engine.view, nothing, replays) as client:
            for path, status, field in WRONG:
                answer = await client.get(f"/markets/{path}")
                assert answer.status_code == status, path
                error = answer.json()["error"]
                assert error["code"] == CODES[status]
                fields = [one["field"] for one in error["details"]]
                assert fields == ([field] if field else []), path


CODES = {400: "VALIDATION_ERROR", 404: "NOT_FOUND", 416: "OUT_OF_RANGE"}


async def test_an_admin_sees_a_drafts_past(
    database_url: str, pool: DeadlinePool, replays: ReplayPool
) -> None:
    async with running(database_url) as engine:
        await a_market(engine)
        async with looking_back(engine.view, pool, replays) as client:
            client.headers["authorization"] = "Bearer root"
            book = await get(client, "secret/orderbook", atSeq=1)
            assert (book["seq"], book["bids"], book["asks"]) == (1, [], [])


async def test_no_look_reads_more_of_the_journal_than_it_says(
    database_url: str, pool: DeadlinePool
) -> None:
    async with running(database_url) as engine:
        await run_all(engine, [*opening(), *commands(3, 40)])
        last = engine.view.markets[1].seq
        stretches = PastBooks(pool)
        for stretch in (
            await stretches.to_seq(1, last),
            await stretches.to_time(1, engine.view.now),
            await stretches.from_seq(1, 0),
        ):
            assert stretch.to - stretch.after <= past_books.REPLAYED_MOST == 5_000
            assert past_books.CHECKPOINT_EVERY == 2_500
