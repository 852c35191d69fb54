"""A view that follows the journal, fed message by message: what fits and what doesn't.

The engine and the database are real, the transport is a list; what Redis itself does to the feed
is tested in `test_redis_bus.py` and with whole processes in `tests/faults`.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from exchange.model.state import State
from exchange.proof.state_hash import state_hash
from persistence.errors import HistoryMismatch
from persistence.journal.rows import JournalRow
from persistence.relay import follower as follower_module
from persistence.relay.follower import STALE_AFTER_S, Follower, load
from persistence.relay.messages import Beat, BusMessage, Rows
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import (
    ANN,
    Recorder,
    Running,
    limit,
    open_for_trade,
    running,
    until,
)


class Tape:
    """A `MessageSource` that gives what it is handed, and notes when it was asked for more."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[BusMessage | None] = asyncio.Queue()
        self.asked = 0
        self.is_closed = False

    async def receive(self) -> BusMessage | None:
        self.asked += 1
        return await self._messages.get()

    async def close(self) -> None:
        self.is_closed = True

    async def hear(self, *messages: BusMessage | None) -> None:
        """Give messages, and wait until each was dealt with."""
        for message in messages:
            asked = self.asked
            self._messages.put_nowait(message)
            await until(lambda: self.asked > asked)  # noqa: B023


class Watcher:
    """Notes what a `FeedListener` is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_epoch(self, epoch: int, view: State) -> None:
        self.told.append(("epoch", epoch))

    def on_gap(self) -> None:
        self.told.append("gap")

    def on_reload(self, epoch: int, view: State) -> None:
        self.told.append(("reload", epoch))


class Rig:
    """A follower of one engine, and what the engine would have published."""

    def __init__(self, engine: Running, rows: list[JournalRow]) -> None:
        self.engine = engine
        self.rows = rows
        self.tape = Tape()
        self.heard = Recorder()
        self.watcher = Watcher()
        self.follower: Any = None

    @property
    def view(self) -> State:
        view: State = self.follower.view
        return view

    def beat(self, **changes: Any) -> Beat:
        journal = self.engine.recovered.journal
        beat = Beat(journal.epoch, journal.last_seq, journal.chain_hash)
        return msgspec.structs.replace(beat, **changes)

    async def trade(self, batches: int = 1) -> list[JournalRow]:
        """Let the engine commit so many batches; return their rows."""
        before = len(self.rows)
        for number in range(batches):
            await self.engine.send(limit(ANN, 10 + number % 80, 1))
        await until(lambda: len(self.rows) >= before + batches)
        return self.rows[before:]

    def check(self) -> None:
        """The view is the engine's, and every command was told once, in order."""
        assert state_hash(self.view, with_ids=False) == state_hash(self.engine.view, with_ids=False)
        seqs = [execution.seq for execution in self.heard.executions]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True


class Kept:
    """Keeps the batches of an engine; implements `BatchListener`."""

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []

    def on_batch(self, row: JournalRow) -> None:
        self.rows.append(row)


@contextlib.asynccontextmanager
async def rig(url: str) -> AsyncIterator[Rig]:
    """An engine with a market, and a follower that has loaded it."""
    kept = Kept()
    async with running(url, batch_listeners=[kept]) as engine:
        await open_for_trade(engine)
        made = Rig(engine, kept.rows)
        made.follower = Follower(
            await load(url), url, engine.pool, made.tape, [made.heard], made.watcher
        )
        made.follower.start()
        try:
            yield made
        finally:
            await made.follower.stop()
    assert made.tape.is_closed


async def test_rows_move_the_view_as_the_engine_moved_its_own(database_url: str) -> None:
    async with rig(database_url) as made:
        seed = 5
        print(f"seed {seed}")
        await made.engine.send_all(*opening(), *commands(seed, 600))
        await until(lambda: made.rows[-1].last_seq == made.engine.view.seq)
        before = made.view.seq
        await made.tape.hear(*(Rows([row]) for row in made.rows))
        made.check()
        assert made.view.seq > before
        assert made.watcher.told == []
        assert made.follower.is_fresh


async def test_a_view_is_fresh_only_when_the_engine_was_heard(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(database_url) as made:
        assert (made.follower.is_fresh, made.follower.silence_s) == (False, math.inf)
        await made.tape.hear(None)
        assert not made.follower.is_fresh
        await made.tape.hear(made.beat())
        assert made.follower.is_fresh
        assert made.follower.silence_s < STALE_AFTER_S
        monkeypatch.setattr(follower_module, "STALE_AFTER_S", 0.0)
        await until(lambda: not made.follower.is_fresh)


async def test_rows_come_twice_late_and_after_a_gap(database_url: str) -> None:
    async with rig(database_url) as made:
        first, second, third, fourth = await made.trade(4)
        await made.tape.hear(Rows([first]), Rows([first]), made.beat(last_seq=1))
        assert made.watcher.told == []
        await made.tape.hear(Rows([third]))
        assert made.watcher.told == ["gap"]
        await made.tape.hear(Rows([second]), Rows([second, third, fourth]), made.beat())
        assert made.watcher.told == ["gap"]
        made.check()
        assert made.follower.is_fresh


async def test_a_beat_shows_what_was_dropped(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.trade(9)
        await made.tape.hear(made.beat())
        assert made.watcher.told == ["gap"]
        made.check()


async def test_silence_moves_the_view_but_does_not_make_it_fresh(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.trade(6)
        await made.tape.hear(None)
        made.check()
        assert made.watcher.told == []
        assert not made.follower.is_fresh


@pytest.mark.parametrize("broken", [{"payload": b"\x90"}, {"hash": bytes(32)}, {"at": 1}])
async def test_a_row_that_was_changed_on_its_way_is_read_from_the_journal(
    database_url: str, broken: dict[str, Any]
) -> None:
    async with rig(database_url) as made:
        (row,) = await made.trade()
        await made.tape.hear(Rows([msgspec.structs.replace(row, **broken)]))
        assert made.watcher.told == ["gap"]
        made.check()


async def test_another_engine_leads(database_url: str) -> None:
    async with rig(database_url) as made:
        epoch = made.engine.recovered.journal.epoch
        (row,) = await made.trade()
        await made.tape.hear(Rows([row]), made.beat(epoch=epoch + 1))
        assert (made.follower.epoch, made.watcher.told) == (epoch, [])
        await made.engine.pool.execute("UPDATE engine_state SET epoch = epoch + 1")
        await made.tape.hear(made.beat(epoch=epoch + 1))
        assert made.watcher.told[-1] == ("epoch", epoch + 1)
        assert made.follower.epoch == epoch + 1
        # The engine that was replaced still speaks.
        await made.tape.hear(Rows([row]), made.beat())
        assert made.follower.epoch == epoch + 1
        made.check()


async def test_a_database_that_was_put_back_is_loaded_anew(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.tape.hear(Rows(await made.trade(5)))
        epoch = made.follower.epoch
        made.follower._hash = b"another history"
        await made.tape.hear(made.beat())
        assert made.watcher.told == ["gap", ("reload", epoch)]
        made.check()
        made.view.seq += 100
        await made.tape.hear(None)
        assert made.watcher.told[-1] == ("reload", epoch)
        made.check()
        # Its epochs are counted anew too: what sounds like an old engine is the one that leads.
        made.follower.epoch = epoch + 7
        made.follower._fresh_at = -math.inf
        await made.tape.hear(made.beat())
        assert made.follower.epoch == epoch
        await made.tape.hear(made.beat())
        assert made.follower.is_fresh


async def test_a_gap_too_long_to_replay_is_loaded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "RELOAD_COMMANDS", 3)
    async with rig(database_url) as made:
        view = made.view
        await made.trade(5)
        await made.tape.hear(made.beat())
        assert made.watcher.told == ["gap", ("reload", made.follower.epoch)]
        assert made.view is view
        assert made.heard.executions == []
        made.check()
        assert made.follower.is_fresh


async def test_the_database_is_away_when_a_row_is_missing(database_url: str) -> None:
    async with rig(database_url) as made:
        rows = await made.trade(4)
        await made.tape.hear(Rows(rows[:1]))
        store, made.follower._store = made.follower._store, Away()
        made.follower._fresh_at = -math.inf
        await made.tape.hear(Rows(rows[2:]))
        assert (made.view.seq, made.follower.is_fresh) == (rows[0].last_seq, False)
        # What comes in order needs no database.
        await made.tape.hear(Rows(rows[1:]))
        assert made.follower.is_fresh
        made.follower._store = store
        made.check()


class Away:
    """A database that can't be reached."""

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        raise ConnectionRefusedError

    async def fetchrow(self, query: str, /, *args: Any) -> Any:
        raise ConnectionRefusedError

    async def fetchval(self, query: str, /, *args: Any) -> Any:
        raise ConnectionRefusedError


@pytest.mark.parametrize("payload", [b"\x91\x94\x01\x01\x91\xa3new\x90", b"\x90"])
async def test_a_whole_row_that_can_not_be_applied_ends_the_process(
    database_url: str, payload: bytes
) -> None:
    async with rig(database_url) as made:
        (row,) = await made.trade()
        strange = msgspec.structs.replace(row, payload=payload)
        strange = msgspec.structs.replace(strange, hash=strange.expected_hash())
        made.tape._messages.put_nowait(Rows([strange]))
        error = await asyncio.wait_for(made.follower.failed, 10)
        assert isinstance(error, msgspec.DecodeError | HistoryMismatch)


async def test_a_cancel_that_was_not_meant_for_it_ends_the_process(database_url: str) -> None:
    async def cancelled() -> BusMessage | None:
        raise asyncio.CancelledError

    async with rig(database_url) as made:
        made.tape.receive = cancelled  # type: ignore[method-assign]
        made.tape._messages.put_nowait(None)
        error = await asyncio.wait_for(made.follower.failed, 10)
        assert isinstance(error, asyncio.CancelledError)
