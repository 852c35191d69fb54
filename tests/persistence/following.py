"""A follower of a real engine, fed message by message, and what it is told by and of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from exchange.model.state import State
from exchange.proof.state_hash import state_hash
from persistence.journal.rows import JournalRow
from persistence.postgres.clocks import database_now
from persistence.postgres.database import create_pool
from persistence.relay.follower import Follower
from persistence.relay.loading import load
from persistence.relay.messages import Beat, BusMessage, Rows
from tests.persistence.running import ANN, Recorder, Running, limit, open_for_trade, running, until

STREAM = "the engine's"
OTHER = "another engine's"


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

    def put(self, message: BusMessage | None) -> None:
        """Give a message without waiting."""
        self._messages.put_nowait(message)

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

    async def now(self) -> int:
        return await database_now(self.engine.pool)

    async def beat(self, **changes: Any) -> Beat:
        journal = self.engine.recovered.journal
        last_seq = changes.get("last_seq", journal.last_seq)
        beat = Beat(STREAM, await self.now(), last_seq, last_seq, journal.chain_hash)
        return msgspec.structs.replace(beat, **changes)

    async def said(self, *rows: JournalRow, **changes: Any) -> Rows:
        """Rows, and nothing is committed behind them."""
        found = Rows(STREAM, await self.now(), rows[-1].last_seq, list(rows))
        return msgspec.structs.replace(found, **changes)

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
async def rig(
    url: str, followed: str | None = None, *, is_listed: bool = False
) -> AsyncIterator[Rig]:
    """An engine with a market, and a follower that has loaded it, or the database `followed`."""
    kept = Kept()
    async with running(url, batch_listeners=[kept]) as engine:
        if not is_listed:
            await open_for_trade(engine)
        await engine.pool.execute("UPDATE engine_state SET stream_id = $1", STREAM)
        store = await create_pool(followed or url, size=2)
        made = Rig(engine, kept.rows)
        made.follower = Follower(
            await load(followed or url),
            followed or url,
            store,
            made.tape,
            [made.heard],
            made.watcher,
            lambda stream: "engine's" in stream,
        )
        made.follower.start()
        try:
            yield made
        finally:
            await made.follower.stop()
            await store.close()
    assert made.tape.is_closed


class Counted:
    """A pool that counts what it is asked."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.questions = 0

    async def fetch(self, query: str, /, *args: Any) -> Any:
        self.questions += 1
        return await self._store.fetch(query, *args)

    async def fetchrow(self, query: str, /, *args: Any) -> Any:
        self.questions += 1
        return await self._store.fetchrow(query, *args)


class Away:
    """A database that can't be reached, or answers nothing but an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error or ConnectionRefusedError()

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        raise self._error

    async def fetchrow(self, query: str, /, *args: Any) -> Any:
        raise self._error

    async def fetchval(self, query: str, /, *args: Any) -> Any:
        raise self._error
