"""Commands that came by a stream: how far the engine has come there is committed with what it did,
never goes back, and is final once another engine leads.
"""

import pytest

from exchange.messages.commands import CreditAccount
from persistence.errors import CommandLate
from persistence.loop.authority import Arrived, Place, acting_by
from persistence.loop.ports import Answer
from persistence.postgres.database import Connection, connect
from persistence.relay.commands.lives import reached_by
from tests.persistence.running import (
    ANN,
    BOB,
    Running,
    commits_held,
    limit,
    open_for_trade,
    running,
    until,
)

_REACHED = "SELECT commands_ms, commands_no FROM engine_state"


async def reached(source: Connection | Running) -> Place:
    asked = source.pool if isinstance(source, Running) else source
    row = await asked.fetchrow(_REACHED)
    assert row is not None
    return tuple(row)


async def send(engine: Running, place: Place, deadline: int = 1 << 60, price: int = 10) -> Answer:
    with acting_by(Arrived(place, deadline, engine.clock)):
        answered = engine.sequencer.submit(limit(ANN, price, 1))
    return await answered


async def test_the_place_is_stored_with_what_the_command_did(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        assert await reached(engine) == (0, 0)
        await send(engine, (7, 3))
        assert await reached(engine) == (7, 3)
        # What comes from this process, or from a place before, moves it nowhere.
        await engine.send(limit(BOB, 11, 1))
        await send(engine, (7, 1))
        await send(engine, (6, 9))
        assert await reached(engine) == (7, 3)


async def test_it_is_seen_by_nobody_before_the_commit(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        watcher = await connect(database_url)
        async with commits_held(database_url):
            with acting_by(Arrived((9, 1), 1 << 60, engine.clock)):
                answered = engine.sequencer.submit(limit(ANN, 10, 1))
            assert await reached(watcher) == (0, 0)
            assert not answered.done()
        await answered
        assert await reached(watcher) == (9, 1)
        await watcher.close()


async def test_the_next_engine_says_where_the_one_before_ended(database_url: str) -> None:
    name = "UPDATE engine_state SET stream_id = 'the first'"
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.pool.execute(name)
        await send(engine, (7, 3))
    async with running(database_url) as engine:
        assert await reached(engine) == (0, 0)
        assert await reached_by(engine.pool, "the first") == (7, 3)
        assert await reached_by(engine.pool, "another") is None
        await send(engine, (2, 2))
        assert await reached(engine) == (2, 2)
        assert await reached_by(engine.pool, "the first") == (7, 3)


async def test_what_was_refused_alone_has_been_reached_all_the_same(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        refuse = "ALTER TABLE credits ADD CONSTRAINT poison CHECK (reason <> 'poison')"
        await engine.pool.execute(refuse)
        with acting_by(Arrived((8, 1), 1 << 60, engine.clock)):
            refused = engine.sequencer.submit(CreditAccount(ANN, 1, "poison"))
        with acting_by(Arrived((8, 2), 1 << 60, engine.clock)):
            taken = engine.sequencer.submit(limit(ANN, 10, 1))
        assert type((await refused).events[0]).__name__ == "CommandRejected"
        await taken
        assert await reached(engine) == (8, 2)


async def test_what_ran_behind_a_refused_batch_has_been_reached_too(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        refuse = "ALTER TABLE credits ADD CONSTRAINT poison CHECK (reason <> 'poison')"
        await engine.pool.execute(refuse)
        sequencer = engine.sequencer
        async with commits_held(database_url):
            with acting_by(Arrived((8, 1), 1 << 60, engine.clock)):
                refused = sequencer.submit(CreditAccount(ANN, 1, "poison"))
            await until(lambda: sequencer._in_flight is not None)
            with acting_by(Arrived((8, 2), 1 << 60, engine.clock)):
                taken = sequencer.submit(limit(ANN, 10, 1))
            await until(lambda: len(sequencer._batch) == 1)
            assert sequencer._batch.sealed is None
        assert type((await refused).events[0]).__name__ == "CommandRejected"
        await taken
        assert await reached(engine) == (8, 2)


async def test_past_its_deadline_nothing_runs(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        before = engine.view.seq
        with pytest.raises(CommandLate):
            await send(engine, (7, 3), deadline=engine.clock() - 1)
        assert engine.view.seq == before
        assert await reached(engine) == (0, 0)


async def test_a_place_that_goes_back_loses_the_fence(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await send(engine, (7, 3))
        await engine.pool.execute("UPDATE engine_state SET commands_ms = 8")
        with pytest.raises(Exception, match="unknown"):
            await send(engine, (7, 4))
        failure = await engine.sequencer.failed
        assert "another engine leads" in str(failure)
