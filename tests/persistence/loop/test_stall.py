"""A database that falls silent: who is told what, and how the engine goes on when it answers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from exchange.messages.events import OrderPlaced
from exchange.model.idempotency import ORDER_ID, RecentIds
from persistence.errors import CommandNotTaken, EngineClosed, EngineStalled, OutcomeUnknown
from persistence.loop.ports import Unobserved
from persistence.loop.stall import ABANDONED_S, COMMIT_TIMEOUT_S, STALLED_S, StallWatch
from persistence.postgres.database import connect
from tests.persistence.running import (
    ANN,
    BOB,
    Running,
    commits_held,
    hashes,
    limit,
    open_for_trade,
    running,
    until,
)

TOLD_S = 0.3


class Heard(Unobserved):
    """An observer that keeps what it hears of stalls."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def stalled(self, seconds: float | None) -> None:
        self.told.append(seconds is not None)


class Looking:
    """A watch over a question and a clock that are set by hand."""

    def __init__(self, told_s: float = 5.0) -> None:
        self.now = 100.0
        self.asked_at: float | None = None
        self.heard = Heard()
        self.said: list[str] = []
        self.watch = StallWatch(
            lambda: self.asked_at,
            told_s,
            self.heard,
            lambda: self.said.append("unknown"),
            lambda: self.said.append("abandoned"),
            lambda: self.now,
        )

    def wait(self, seconds: float) -> None:
        """Let time go by, looked at as often as it is."""
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.watch.look()


def test_a_question_that_is_answered_in_time_is_no_stall() -> None:
    looking = Looking()
    looking.asked_at = looking.now
    looking.wait(STALLED_S - 0.2)
    looking.asked_at = None
    looking.wait(60)
    assert (looking.heard.told, looking.said) == ([], [])


def test_a_silence_is_said_once_told_while_it_lasts_and_over_with_the_answer() -> None:
    looking = Looking()
    looking.asked_at = looking.now
    looking.wait(4.8)
    assert (looking.heard.told, looking.said, looking.watch.is_shut) == ([True], [], False)
    looking.wait(1)
    assert set(looking.said) == {"unknown"}
    assert looking.watch.is_shut
    looking.asked_at = None
    looking.wait(0.1)
    assert looking.heard.told == [True, False]
    assert not looking.watch.is_shut


def test_another_question_is_waited_for_anew() -> None:
    looking = Looking()
    for _ in range(20):
        looking.asked_at = looking.now
        looking.wait(1)
    assert looking.heard.told == []


def test_a_session_that_stays_silent_is_given_up() -> None:
    looking = Looking()
    looking.asked_at = looking.now
    looking.wait(ABANDONED_S - 1)
    assert "abandoned" not in looking.said
    looking.wait(2)
    assert "abandoned" in looking.said


def test_time_in_which_the_process_stood_still_is_not_the_databases() -> None:
    looking = Looking()
    looking.asked_at = looking.now
    looking.wait(1)
    looking.now += 3_600
    looking.watch.look()
    looking.wait(STALLED_S - 0.2)
    assert (looking.heard.told, looking.said) == ([], [])
    looking.wait(0.4)
    assert looking.heard.told == [True]


async def test_who_waits_is_told_and_the_late_answer_counts(database_url: str) -> None:
    heard = Heard()
    async with running(database_url, commit_timeout_s=TOLD_S, observer=heard) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            in_flight = engine.sequencer.submit(limit(ANN, 60, 1, id="in flight"))
            await until(lambda: engine.live.seq == 5)
            growing = engine.sequencer.submit(limit(BOB, 60, 1))
            started = time.monotonic()
            for waiting in (in_flight, growing):
                with pytest.raises(OutcomeUnknown, match="doesn't answer"):
                    await waiting
            # Without the setting it would be five seconds.
            assert time.monotonic() - started < COMMIT_TIMEOUT_S
            assert not engine.sequencer.is_open
            with pytest.raises(EngineStalled):
                engine.sequencer.submit(limit(ANN, 50, 1))
        await until(lambda: engine.sequencer.is_open)
        assert heard.told == [True, False]
        await until(lambda: engine.view.seq == 6)
        again = await engine.send(limit(ANN, 60, 1, id="in flight"))
        assert (again.seq, again.replayed) == (5, True)
        assert not engine.sequencer.failed.done()
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before


def forget(engine: Running, text: str) -> None:
    """Make an id of Ann's one that may have been used before, nobody remembers for what."""
    engine.live.recent_ids = RecentIds()
    engine.sequencer._known_ids.may_be_used([(ANN, ORDER_ID, text)])


async def test_what_has_not_run_never_will(database_url: str) -> None:
    async with running(database_url, commit_timeout_s=TOLD_S) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url) as blocker:
            # The look-up of the id waits as well: the command behind it has no sequence yet.
            await blocker.execute("LOCK TABLE idempotency")
            ran = engine.sequencer.submit(limit(ANN, 60, 1))
            await until(lambda: engine.live.seq == 5)
            forget(engine, "looked up")
            waiting = engine.sequencer.submit(limit(ANN, 60, 1, id="looked up"))
            for one in (ran, waiting):
                with pytest.raises(OutcomeUnknown):
                    await one
        await until(lambda: engine.sequencer.is_open)
        answer = await engine.send(limit(ANN, 60, 1, id="looked up"))
        assert (answer.seq, answer.replayed) == (6, False)
        assert isinstance(answer.events[0], OrderPlaced)


async def test_commands_that_are_isolated_are_told_too(database_url: str) -> None:
    async with running(database_url, commit_timeout_s=TOLD_S) as engine:
        await open_for_trade(engine)
        async with engine.pool.transaction() as connection:
            await connection.execute(
                "CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'poison'; END $$"
            )
            await connection.execute(
                "CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW"
                " WHEN (NEW.client_order_id = 'bad') EXECUTE FUNCTION refuse_it()"
            )
        async with commits_held(database_url):
            bad = engine.sequencer.submit(limit(ANN, 60, 1, id="bad"))
            with pytest.raises(OutcomeUnknown):
                await bad
        await until(lambda: engine.sequencer.is_open and engine.view.seq == 5)
        again = await engine.send(limit(ANN, 60, 1, id="bad"))
        assert (again.seq, again.replayed) == (5, True)


@contextlib.asynccontextmanager
async def frozen_session(engine: Running) -> AsyncIterator[None]:
    """Stop the server's process that serves the engine while the block runs."""
    backend = psutil.Process(await engine.backend())
    backend.suspend()
    try:
        yield
    finally:
        backend.resume()


async def test_an_idle_engine_notices(database_url: str) -> None:
    async with running(database_url, commit_timeout_s=TOLD_S) as engine:
        await open_for_trade(engine)
        async with frozen_session(engine):
            await until(lambda: not engine.sequencer.is_open)
            with pytest.raises(EngineStalled):
                engine.sequencer.submit(limit(ANN, 50, 1))
        await until(lambda: engine.sequencer.is_open)
        assert (await engine.send(limit(ANN, 50, 1))).seq == 5


async def test_an_end_does_not_wait_for_a_silent_database(database_url: str) -> None:
    async with running(database_url, commit_timeout_s=TOLD_S) as engine:
        await open_for_trade(engine)
        async with frozen_session(engine):
            waiting = engine.sequencer.submit(limit(ANN, 50, 1))
            async with asyncio.timeout(30):
                await engine.sequencer.stop()
            with pytest.raises(OutcomeUnknown):
                await waiting
            assert isinstance(await engine.sequencer.failed, OutcomeUnknown)
            with pytest.raises(EngineClosed):
                engine.sequencer.submit(limit(ANN, 50, 1))


async def test_a_look_up_that_hangs_is_refused_and_nobody_elses_matter(database_url: str) -> None:
    """It goes by the pool, which may just be busy: the engine's own session says how things are."""
    async with running(database_url, commit_timeout_s=TOLD_S) as engine:
        await open_for_trade(engine)
        forget(engine, "looked up")
        blocker = await connect(database_url)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE idempotency")
            waiting = engine.sequencer.submit(limit(ANN, 60, 1, id="looked up"))
            with pytest.raises(CommandNotTaken):
                await waiting
            assert engine.sequencer.is_open
        await blocker.close()
        assert (await engine.send(limit(ANN, 60, 1, id="looked up"))).seq == 5
