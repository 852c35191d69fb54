"""Start: what is loaded equals what ran, and what contradicts itself is refused."""

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exchange.messages.bounds import RECENT_IDS
from exchange.messages.commands import CancelAll
from exchange.messages.events import CommandReplayed, OrderPlaced
from exchange.messages.terms import NO
from exchange.proof.state_hash import state_hash
from persistence.errors import DatabaseNotDurable, EngineRunning, FenceLost, HistoryMismatch
from persistence.journal import tables
from persistence.journal.journal import SESSION, connect_engine
from persistence.journal.open_orders import OpenOrders
from persistence.loop import recovery
from persistence.loop.recovery import Lead, recover
from persistence.postgres.database import Connection, connect
from tests.lengths import length
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import (
    ANN,
    BOB,
    hashes,
    limit,
    open_for_trade,
    running,
)


async def test_an_empty_database_starts_at_nothing(database_url: str) -> None:
    recovered = await recover(database_url)
    assert (recovered.live.seq, recovered.journal.epoch) == (0, 1)
    await recovered.connection.close()


async def test_a_restart_finds_the_book_as_it_was(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(limit(ANN, 55, 10), limit(BOB, 40, 4, NO), limit(BOB, 54, 3))
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        answer = await engine.send(limit(BOB, 45, 2, NO))
        assert (answer.seq, engine.recovered.journal.epoch) == (8, 2)
        assert engine.live.markets[1].book.bids.depth(3) == [(5500, 800), (5400, 300)]


async def test_any_past_is_loaded_as_it_ran(database_url: str) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        await engine.send_all(*commands(seed, length(1500, long=8_000)))
    # Once it has stopped: a timer may come due behind the last answer.
    before = hashes(engine)
    assert state_hash(engine.live, with_ids=False) == before[1]
    for _ in range(2):
        async with running(database_url) as engine:
            assert hashes(engine) == before
            await engine.send_all(*commands(seed + 1, 300))
        before = hashes(engine)


async def test_ids_are_remembered_and_forgotten_alike_after_a_restart(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 1))
        first = await engine.send(limit(BOB, 50, 1, NO, id="ended"))
        for _ in range(0, RECENT_IDS + 100, 4096):
            await engine.send_all(*[CancelAll(BOB, None)] * 4096)
        assert len(engine.live.recent_ids) == 0
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        again = await engine.send(limit(BOB, 50, 1, NO, id="ended"))
        assert again.replayed
        assert again.events == first.events
        assert again.seq == first.seq


async def test_the_id_of_an_open_order_outlives_the_window(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(limit(ANN, 50, 1, id="open"))
        for _ in range(0, RECENT_IDS + 100, 4096):
            await engine.send_all(*[CancelAll(BOB, None)] * 4096)
        assert len(engine.live.recent_ids) == 1
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        again = await engine.send(limit(ANN, 50, 1, id="open"))
        assert (again.seq, again.replayed, again.events) == (first.seq, True, first.events)
        assert isinstance(engine.heard.executions[-1].events[0], CommandReplayed)
        assert isinstance(again.events[0], OrderPlaced)


async def test_a_second_engine_is_refused(database_url: str) -> None:
    async with running(database_url):
        with pytest.raises(EngineRunning):
            await recover(database_url, lock_wait_s=0.1)


async def test_an_engine_that_just_died_is_waited_for(database_url: str) -> None:
    first = await recover(database_url)
    first.connection.terminate()
    second = await recover(database_url)
    assert second.journal.epoch == 2
    await second.connection.close()


async def test_a_database_that_may_lose_commits_is_refused(database_url: str) -> None:
    connection = await connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    with pytest.raises(DatabaseNotDurable):
        await recover(database_url)


async def test_the_lead_ends_with_its_connection(database_url: str) -> None:
    lead = await Lead.take(database_url)
    await lead.close()
    await (await Lead.take(database_url, wait_s=0)).close()


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE accounts SET available = available + 1 WHERE id = 1", "breaks a law"),
        ("UPDATE engine_state SET last_seq = last_seq + 1", "engine_state stands at"),
        ("DELETE FROM journal WHERE first_seq = (SELECT max(first_seq) FROM journal)", "stands at"),
        ("DELETE FROM engine_state", "engine_state is empty"),
        ("UPDATE markets SET status = 99", "holds what no Probity writes: 99"),
        ("UPDATE engine_state SET mode = 99", "holds what no Probity writes: 99"),
    ],
)
async def test_a_database_that_contradicts_itself_is_refused(
    database_url: str, tampering: str, said: str
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
    connection = await connect(database_url)
    await connection.execute(tampering)
    await connection.close()
    with pytest.raises(HistoryMismatch, match=said):
        await recover(database_url)


async def test_loading_may_take_longer_than_a_batch_may_stand_still(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        hashed = state_hash(engine.live)
    read_head = tables.read_head

    async def slow(connection: Any) -> Any:
        head = await read_head(connection)
        await asyncio.sleep(2 * int(SESSION["idle_in_transaction_session_timeout"]) / 1_000)
        return head

    monkeypatch.setattr(tables, "read_head", slow)
    async with running(database_url) as engine:
        assert state_hash(engine.live) == hashed


async def test_loading_is_quick_and_takes_no_lock(database_url: str, tmp_path: Path) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        for _ in range(5):
            await engine.send_all(*[limit(ANN, 1 + n % 40, 1) for n in range(1000)])
    connection = await connect_engine(database_url)
    snapshot = await tables.read(connection)
    assert len(snapshot.orders) == 5000
    assert (
        await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE mode LIKE '%Excl%'"
            " AND pid = pg_backend_pid() AND locktype = 'relation'"
        )
        == 0
    )
    await connection.close()


async def test_an_engine_with_nothing_to_write_hears_that_another_leads(database_url: str) -> None:
    async with running(database_url) as engine:
        # Its session stays, as if the server had lost the leader's lock: only the epoch tells.
        await engine.pool.execute("UPDATE engine_state SET epoch = epoch + 1")
        raised_at = time.monotonic()
        async with asyncio.timeout(30):
            assert isinstance(await engine.sequencer.failed, FenceLost)
        assert engine.recovered.journal.led_at <= raised_at, "nor is it sure of its lead"
        assert not engine.sequencer.is_open


async def test_an_engine_that_was_held_up_while_it_started_knows_when_it_led_last(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_up: list[float] = []

    def late(orders: Iterable[int]) -> OpenOrders:
        held_up.append(time.monotonic())
        return OpenOrders(orders)

    monkeypatch.setattr(recovery, "OpenOrders", late)
    recovered = await recover(database_url)
    assert recovered.journal.led_at < held_up[0]
    await recovered.connection.close()


async def test_an_engine_that_was_passed_while_it_read_does_not_lead(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tables.read

    async def passed(connection: Connection, **options: Any) -> tables.Snapshot:
        # As another engine would, had the server lost the leader's lock.
        async with asyncio.timeout(30):
            other = await connect(database_url)
            await other.execute("UPDATE engine_state SET epoch = epoch + 1")
            await other.close()
        return await read(connection, **options)

    monkeypatch.setattr(tables, "read", passed)
    with pytest.raises(EngineRunning, match="epoch 2, not 1"):
        await recover(database_url)


async def test_nor_does_one_that_was_passed_while_it_built_what_it_read(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_tip = recovery.check_tip

    async def passed(*arguments: Any, **options: Any) -> None:
        async with asyncio.timeout(30):
            other = await connect(database_url)
            await other.execute("UPDATE engine_state SET epoch = epoch + 1")
            await other.close()
        await check_tip(*arguments, **options)

    monkeypatch.setattr(recovery, "check_tip", passed)
    with pytest.raises(EngineRunning, match="epoch 2, not 1"):
        await recover(database_url, tmp_path)
