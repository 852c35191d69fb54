"""What memory knows of used ids: nothing until the table is read, and then all of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from exchange.messages.commands import CreditAccount, PlaceOrder
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.model.idempotency import ORDER_ID, REQUEST_ID, Key, RecentIds
from persistence.errors import OutcomeUnknown
from persistence.loop.client_ids.known_ids import PAGE_IDS, KnownIds
from persistence.loop.client_ids.used_ids import UsedIds
from persistence.loop.ports import Answer
from persistence.postgres.database import DeadlinePool, create_pool
from tests.lengths import length
from tests.persistence.loop.test_isolation import poison
from tests.persistence.running import (
    ANN,
    BOB,
    Running,
    cancel,
    commits_held,
    limit,
    open_for_trade,
    running,
    until,
)

_FILL = """
INSERT INTO idempotency
SELECT 1 + n / 700, n, 0, n % 2, 'id-' || n % 700, '\\x00' FROM generate_series(0, $1 - 1) AS n
"""


def stored(count: int) -> list[Key]:
    """The ids that `_FILL` stores."""
    return [(1 + n // 700, n % 2, f"id-{n % 700}") for n in range(count)]


class Counting:
    """A store that counts what it is asked for, and fails, or keeps silent, when told to."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.pages = 0
        self.looked_up: list[str] = []
        self.failures = 0
        self.is_silent = False

    async def fetch(self, query: str, /, *arguments: Any) -> Any:
        if self.is_silent:
            await asyncio.get_running_loop().create_future()
        if "LIMIT" in query:
            self.pages += 1
            if self.failures:
                self.failures -= 1
                raise ConnectionResetError("gone")
        elif "unnest" in query and "client_id" in query:
            self.looked_up += arguments[2]
        return await self.real.fetch(query, *arguments)

    async def fetchrow(self, query: str, /, *arguments: Any) -> Any:
        return await self.real.fetchrow(query, *arguments)

    async def fetchval(self, query: str, /, *arguments: Any) -> Any:
        return await self.real.fetchval(query, *arguments)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    """A pool over an empty exchange."""
    pool = await create_pool(database_url, size=2)
    yield pool
    await pool.close()


@pytest.mark.parametrize("count", [0, 1, PAGE_IDS, 2 * PAGE_IDS + 345])
async def test_the_whole_table_is_read_page_by_page(pool: DeadlinePool, count: int) -> None:
    await pool.execute(_FILL, count)
    store = Counting(pool)
    known = KnownIds(store)
    keys = stored(count)
    assert known.may_be_used([(999, ORDER_ID, "new")]) == [(999, ORDER_ID, "new")]
    known.start()
    await until(lambda: known.is_complete)
    assert store.pages == -(-count // PAGE_IDS) + 1
    assert known.may_be_used(keys) == keys
    # Of the other kind they are other ids: a mistake or two may be among so many.
    others = [(account, 1 - kind, text) for account, kind, text in keys]
    assert len(known.may_be_used(others)) <= 5
    assert known.may_be_used([(999, ORDER_ID, "new")]) == [(999, ORDER_ID, "new")]
    assert known.may_be_used([(999, REQUEST_ID, "new")]) == []
    await known.close()


async def test_a_store_that_fails_is_read_on_later_and_said_once_a_time(
    pool: DeadlinePool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)  # others have set the process's logs up
    monkeypatch.setattr("persistence.loop.client_ids.known_ids._FIRST_PAUSE_S", 0.01)
    await pool.execute(_FILL, PAGE_IDS + 5)
    store = Counting(pool)
    store.failures = 2
    known = KnownIds(store)
    known.start()
    await until(lambda: known.is_complete)
    assert known.may_be_used(stored(PAGE_IDS + 5)) == stored(PAGE_IDS + 5)
    assert [record.getMessage() for record in caplog.records] == [
        "client ids can't be read yet, all are asked for: gone"
    ] * 2
    await known.close()


async def test_a_silent_store_keeps_nobody_from_ending(pool: DeadlinePool) -> None:
    store = Counting(pool)
    store.is_silent = True
    known = KnownIds(store)
    known.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await known.close()
    assert not known.is_complete
    assert known.may_be_used([(1, ORDER_ID, "a")]) == [(1, ORDER_ID, "a")]


async def test_more_ids_than_it_may_hold_are_all_asked_for(pool: DeadlinePool) -> None:
    await pool.execute(_FILL, 4 * PAGE_IDS)
    store = Counting(pool)
    known = KnownIds(store, UsedIds(first_stage=PAGE_IDS, most_stages=1))
    known.start()
    await until(lambda: known._is_read)
    assert store.pages <= 3, "what can't be held isn't read"
    assert not known.is_complete
    assert known.may_be_used([(999, ORDER_ID, "new")]) == [(999, ORDER_ID, "new")]
    await known.close()


# -- in a running engine --


def known_ids(engine: Running) -> KnownIds:
    return engine.sequencer._known_ids


def counted(engine: Running) -> Counting:
    """Stand between the engine and its store from now on."""
    store = Counting(engine.pool)
    engine.sequencer._intake._store = store
    return store


async def test_a_new_id_asks_nobody_and_needs_no_store(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await until(lambda: known_ids(engine).is_complete)
        store = counted(engine)
        await engine.send_all(*[limit(ANN, 50, 1, id=f"n{n}") for n in range(900)])
        assert len(store.looked_up) <= 3
        await engine.pool.close()
        assert (await engine.send(limit(BOB, 50, 1, id="n1"))).seq == 905


async def test_what_was_used_before_a_start_is_found(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(limit(ANN, 50, 1, id="one"))
        await engine.send_all(cancel(ANN, 1), CreditAccount(ANN, 5, "gift", "r"))
    async with running(database_url) as engine:
        engine.live.recent_ids = RecentIds()
        early = await engine.send(limit(ANN, 50, 1, id="one"))
        await until(lambda: known_ids(engine).is_complete)
        engine.live.recent_ids = RecentIds()
        late = await engine.send(limit(ANN, 50, 1, id="one"))
        other = (await engine.send(CreditAccount(ANN, 6, "gift", "r"))).events[0]
    for again in (early, late):
        assert (again.seq, again.replayed, again.events) == (first.seq, True, first.events)
    assert isinstance(other, CommandRejected)
    assert other.reason is Reason.CONFLICT


async def test_an_offender_that_was_run_alone_is_known(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await until(lambda: known_ids(engine).is_complete)
        sent = [limit(ANN, 50, 1, id=text) for text in ("before", "bad", "after")]
        firsts = await engine.send_all(*sent)
        engine.live.recent_ids = RecentIds()
        again = await engine.send_all(*sent)
        assert [answer.seq for answer in again] == [answer.seq for answer in firsts]
        assert all(answer.replayed for answer in again)


@pytest.mark.parametrize("end", ["killed", "cut off"])
@pytest.mark.parametrize("committed", [False, True])
async def test_whatever_became_of_the_last_batch_the_next_engine_knows(
    database_url: str, end: str, *, committed: bool
) -> None:
    names = [f"n{n}" for n in range(5)]
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await until(lambda: known_ids(engine).is_complete)
        async with commits_held(database_url) as blocker:
            futures = [engine.sequencer.submit(limit(ANN, 9, 1, id=name)) for name in names]
            await until(lambda: engine.sequencer._in_flight is not None)
            if not committed:
                await blocker.execute(
                    "SELECT pg_terminate_backend($1, 5000)", await engine.backend()
                )
        if committed:
            await asyncio.gather(*futures)
        if end == "killed":
            engine.crash()
            for future in futures:
                future.cancel()
        for answer in await asyncio.gather(*futures, return_exceptions=True):
            assert isinstance(answer, Answer | OutcomeUnknown | asyncio.CancelledError)
    async with running(database_url, take_over=True) as engine:
        next_engine = engine
        await until(lambda: known_ids(next_engine).is_complete)
        engine.live.recent_ids = RecentIds()
        answers = await engine.send_all(*[limit(ANN, 9, 1, id=name) for name in names])
        assert [answer.replayed for answer in answers] == [committed] * len(names)


@pytest.mark.parametrize("seed", range(length(2, long=40)))
async def test_an_id_takes_effect_once_whatever_memory_forgets(
    database_url: str, seed: int
) -> None:
    """Random orders under few ids, across starts, refusals by the database and a memory that is
    emptied, against a table of what each id did first.
    """
    dice = Random(seed)
    await poison(database_url, "NEW.client_order_id LIKE 'bad%' AND NEW.price = 1300")
    firsts: dict[tuple[int, str], tuple[int, PlaceOrder]] = {}
    for start in range(3):
        async with running(database_url) as engine:
            if not start:
                await open_for_trade(engine)
            for _ in range(6):
                sent = [order(dice) for _ in range(dice.choice([1, 3, 30]))]
                for command, answer in zip(sent, await engine.send_all(*sent), strict=True):
                    key = (command.account_id, str(command.client_order_id))
                    seq, first = firsts.setdefault(key, (answer.seq, command))
                    if command != first:
                        assert reason_of(answer) is Reason.CONFLICT
                        continue
                    assert (answer.seq, answer.replayed) == (seq, command is not first)
                    is_bad = key[1].startswith("bad") and command.price == 1_300
                    assert reason_of(answer) is (Reason.NOT_STORED if is_bad else None)
                # Nothing waits and nothing is under way: as if many other ids had been used.
                engine.live.recent_ids = RecentIds()


def order(dice: Random) -> PlaceOrder:
    """An order of two accounts under one of few ids, at one of few prices."""
    text = dice.choice(["a", "b", "bad"]) + str(dice.randrange(40))
    return limit(dice.choice([ANN, BOB]), dice.randint(10, 14), 1, id=text)


def reason_of(answer: Answer) -> Reason | None:
    """Why a command was refused; None if it wasn't."""
    first = answer.events[0]
    return first.reason if isinstance(first, CommandRejected) else None
