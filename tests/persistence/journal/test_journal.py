"""Fence, chain, and the three ways in which a commit can fail."""

import asyncio

import pytest

from exchange.engine import Engine
from exchange.messages.commands import OpenAccount
from exchange.messages.events import OrderPlaced
from exchange.proof.running_balances import RunningBalances
from persistence.errors import BatchRefused, EngineClosed, FenceLost, OutcomeUnknown
from persistence.journal.batch_rows import BatchRows, add_execution
from persistence.journal.journal import SealedBatch
from persistence.journal.reader import hash_at, stream
from persistence.journal.source import JournalSource
from persistence.loop.recovery import Recovered, recover
from persistence.postgres.database import Connection, connect
from tests.persistence.running import ANN, BOB, commits_held, limit, open_for_trade, running, until


def batch_of(recovered: Recovered, *accounts: int) -> SealedBatch:
    """Open accounts in memory and seal that as a batch."""
    rows, balances = BatchRows(), RunningBalances(recovered.live)
    for execution in Engine(recovered.live).run(1, [OpenAccount(n, 5) for n in accounts]):
        add_execution(rows, balances, execution)
    return recovered.journal.seal(recovered.live, rows, balances)


async def test_rows_are_chained(database_url: str) -> None:
    recovered = await recover(database_url)
    first, second = batch_of(recovered, 1, 2), batch_of(recovered, 3)
    await recovered.journal.commit(first)
    await recovered.journal.commit(second)
    async with recovered.connection.transaction():
        rows = [row async for row in stream(recovered.connection)]
    assert [(row.first_seq, row.last_seq) for row in rows] == [(1, 2), (3, 3)]
    assert [row.hash for row in rows] == [first.hash, second.hash]
    assert rows[1].previous_hash == rows[0].hash
    assert all(row.hash == row.expected_hash() for row in rows)
    assert [e.seq for e in rows[0].executions()] == [1, 2]
    assert rows[0].execution(2) == rows[0].executions()[1]
    assert await hash_at(JournalSource(recovered.connection), 2) == first.hash
    assert await hash_at(JournalSource(recovered.connection), 1) is None
    await recovered.connection.close()


async def test_an_engine_of_an_older_epoch_writes_nothing(database_url: str) -> None:
    old = await recover(database_url)
    batch = batch_of(old, 1)
    await old.connection.execute("SELECT pg_advisory_unlock_all()")
    new = await recover(database_url)
    with pytest.raises(FenceLost):
        await old.journal.commit(batch)
    assert await new.connection.fetchval("SELECT count(*) FROM accounts") == 0
    await new.journal.commit(batch_of(new, 1))
    await old.connection.close()
    await new.connection.close()


@pytest.mark.parametrize("change", ["last_seq = last_seq + 1", "chain_hash = '\\x00'"])
async def test_a_place_in_the_chain_that_moved_is_lost(database_url: str, change: str) -> None:
    recovered = await recover(database_url)
    await recovered.connection.execute(f"UPDATE engine_state SET {change}")
    with pytest.raises(FenceLost):
        await recovered.journal.commit(batch_of(recovered, 1))
    await recovered.connection.close()


async def test_a_batch_after_a_lost_one_is_lost_too(database_url: str) -> None:
    recovered = await recover(database_url)
    batch_of(recovered, 1)
    with pytest.raises(FenceLost):
        await recovered.journal.commit(batch_of(recovered, 2))
    await recovered.connection.close()


async def test_what_the_database_refuses_is_told_from_what_is_unknown(database_url: str) -> None:
    recovered = await recover(database_url)
    await recovered.connection.execute("ALTER TABLE accounts ADD CHECK (id <> 7)")
    with pytest.raises(BatchRefused, match="23514"):
        await recovered.journal.commit(batch_of(recovered, 6, 7))
    assert await recovered.connection.fetchval("SELECT count(*) FROM journal") == 0
    await recovered.connection.close()


async def test_a_cancelled_caller_does_not_cancel_its_commit(database_url: str) -> None:
    blocker = await connect(database_url)
    recovered = await recover(database_url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM engine_state FOR UPDATE")
        commit = asyncio.create_task(recovered.journal.commit(batch_of(recovered, 1)))
        await _until_blocked(blocker)
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
    async with asyncio.timeout(30):
        while True:
            if await blocker.fetchval("SELECT last_seq FROM engine_state") == 1:
                break
            await asyncio.sleep(0.01)
    await blocker.close()
    await recovered.connection.close()


@pytest.mark.parametrize("way", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_a_commit_that_is_cut_is_unknown_and_the_retry_tells(
    database_url: str, way: str
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url) as blocker:
            first = engine.sequencer.submit(limit(ANN, 50, 1, id="cut"))
            blocked = await _until_blocked(blocker)
            second = engine.sequencer.submit(limit(BOB, 50, 1, id="next"))
            await until(lambda: engine.live.seq == 6)
            await blocker.execute(f"SELECT {way}({blocked})")
            for future in (first, second):
                with pytest.raises(OutcomeUnknown):
                    await future
        assert isinstance(await engine.sequencer.failed, OutcomeUnknown)
        assert not engine.sequencer.is_open
        assert engine.view.seq == 4
    async with running(database_url) as engine:
        again = await engine.send(limit(ANN, 50, 1, id="cut"))
        assert isinstance(again.events[0], OrderPlaced)
        assert (again.seq, again.replayed) == (5, False)


async def test_a_commit_that_got_through_is_found_by_the_retry(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        real = engine.recovered.journal.write

        async def cut_after(batch: SealedBatch) -> None:
            await real(batch)
            raise OutcomeUnknown("the connection was lost in a commit")

        engine.recovered.journal.write = cut_after  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknown):
            await engine.send(limit(ANN, 50, 1, id="through"))
    async with running(database_url) as engine:
        again = await engine.send(limit(ANN, 50, 1, id="through"))
        assert (again.seq, again.replayed) == (5, True)
        assert len(engine.view.orders) == 1


async def test_two_engines_one_leads(database_url: str) -> None:
    async with running(database_url) as old:
        await open_for_trade(old)
        async with running(database_url, take_over=True) as new:
            assert (await new.send(limit(ANN, 50, 1))).seq == 5
            # An idle engine may notice by itself that its session was ended, and be closed by now.
            with pytest.raises((OutcomeUnknown, EngineClosed)):
                await old.send(limit(BOB, 60, 1))
            assert isinstance(await old.sequencer.failed, OutcomeUnknown | FenceLost)
            assert (await new.send(limit(ANN, 50, 1))).seq == 6


async def test_a_crash_between_batches_loses_nothing_that_was_answered(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        answered = [await engine.send(limit(ANN, 40 + n, 1, id=f"n{n}")) for n in range(5)]
        for n in range(5, 50):
            engine.sequencer.submit(limit(ANN, 40 + n % 20, 1, id=f"n{n}"))
        engine.crash()
    async with running(database_url) as engine:
        assert set(engine.view.orders) >= {1, 2, 3, 4, 5}
        again = await engine.send_all(*[limit(ANN, 40 + n % 20, 1, id=f"n{n}") for n in range(50)])
        assert [a.seq for a in again[:5]] == [a.seq for a in answered]
        assert len(engine.view.orders) == 50


async def _until_blocked(blocker: Connection) -> int:
    """Return the backend that waits for what `blocker` holds."""
    while True:
        waiting = await blocker.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        if waiting is not None:
            return int(waiting)
        await asyncio.sleep(0.01)
