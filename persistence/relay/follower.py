"""A committed view in a process without an engine: it follows the journal, whichever way rows come.

::

    Redis: rows, beats --> fits? --> apply to the view --> listeners
                             | no, or silence
                             v
    PostgreSQL:      the journal's next rows  (if they don't fit either: the tables anew)

Laws: a row is applied only if it begins where the view ends, in sequence and in hash, so nothing is
missed, repeated or taken from another history. PostgreSQL decides what is true: every doubt is
settled there. The view is *fresh* only while the engine itself is heard and nothing it named is
missing; without that it still moves, by reading the journal about once a second, but is marked.
A row that can't be applied ends the process (`failed`), as in the engine.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from typing import Final, Protocol

import asyncpg

from exchange.model.state import State
from persistence.errors import HistoryMismatch
from persistence.journal import tables
from persistence.journal.reader import rows_after
from persistence.journal.rows import JournalRow
from persistence.loop.committed_view import COMMANDS_BETWEEN_LOOKS, TURN_S, apply_committed
from persistence.loop.ports import ExecutionListener
from persistence.postgres.database import OUTAGES, Fetching, connect
from persistence.relay.messages import Beat, BusMessage, Rows

STALE_AFTER_S: Final = 2.5
"""So long the engine may be unheard; it beats each second."""
RELOAD_COMMANDS: Final = 200_000
"""A longer gap isn't replayed: loading the tables is quicker."""
_RECHECK_S: Final = 1.0
_AWAY: Final = (*OUTAGES, asyncpg.InterfaceError)


class MessageSource(Protocol):
    """From where the engine's messages come; `subscriber` in production."""

    async def receive(self) -> BusMessage | None:
        """Return the next message; None after a silence, or if something may have been missed."""

    async def close(self) -> None:
        """End it."""


class FeedListener(Protocol):
    """Who is told when the view didn't simply move on; must not await or raise."""

    def on_epoch(self, epoch: int, view: State) -> None:
        """Take note that another engine leads; the view goes on without a gap."""

    def on_gap(self) -> None:
        """Take note that something was missed and is being read from the journal."""

    def on_reload(self, epoch: int, view: State) -> None:
        """Take note that the view was loaded anew: nobody heard what lies between."""


class Loaded:
    """A view, and the place in the chain at which it stands."""

    __slots__ = ("database_id", "epoch", "hash", "view")

    def __init__(self, snapshot: tables.Snapshot) -> None:
        head = snapshot.head
        self.view = tables.build(snapshot, with_ids=False)
        self.hash = head.chain_hash
        self.epoch = head.epoch
        self.database_id = head.database_id


async def load(url: str) -> Loaded:
    """Load the view from one moment of the tables; raises DatabaseUnavailable.

    On a connection of its own, since a pooled one would give up on a large exchange.
    """
    connection = await connect(url)
    try:
        return Loaded(await tables.read(connection, with_ids=False))
    finally:
        await connection.close()


class Follower:
    """Moves a view that was loaded, until `stop`."""

    def __init__(
        self,
        loaded: Loaded,
        url: str,
        store: Fetching,
        source: MessageSource,
        listeners: Sequence[ExecutionListener],
        feed_listener: FeedListener,
    ) -> None:
        """Take over a view.

        Args:
            loaded: moved from now on by this object alone.
            url: from where the tables are loaded again if need be.
            store: a pool for reading the journal.
            source: of the engine's messages; closed by `stop`.
            listeners: told of every committed command, in order.
            feed_listener: told of everything else.
        """
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """Done when the view can't go on, with the reason."""
        self.view = loaded.view
        self.epoch = loaded.epoch
        self._hash = loaded.hash
        self._url = url
        self._store = store
        self._source = source
        self._listeners = list(listeners)
        self._feed_listener = feed_listener
        self._fresh_at = -math.inf
        self._checked_at = -math.inf
        self._task: asyncio.Task[None] | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether the engine was heard lately and nothing it named is missing."""
        return self.silence_s <= STALE_AFTER_S

    @property
    def silence_s(self) -> float:
        """Seconds since the view was known to be where the engine is; infinite before that."""
        return asyncio.get_running_loop().time() - self._fresh_at

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._run(), name="follower")

    async def stop(self) -> None:
        """Stop following and end the subscription."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._source.close()

    async def _run(self) -> None:
        try:
            while True:
                await self._take(await self._source.receive())
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Somebody cancelled what it waited for: nobody would follow from here on.
            self.failed.set_result(error)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: the view isn't trusted
            self.failed.set_result(error)

    async def _take(self, message: BusMessage | None) -> None:
        if message is None:
            await self._catch_up()
            return
        epoch = message.epoch if isinstance(message, Beat) else message.rows[-1].epoch
        if epoch < self.epoch:
            await self._doubt()
            return
        if isinstance(message, Rows):
            for row in message.rows:
                if self._fits(row):
                    await self._apply(row)
        is_whole = self._covers(message)
        if not is_whole:
            self._feed_listener.on_gap()
        # Who leads is the database's to say, not the message's.
        if not is_whole or epoch != self.epoch:
            await self._catch_up()
            if not self._covers(message) or epoch != self.epoch:
                return
        self._fresh_at = asyncio.get_running_loop().time()

    async def _doubt(self) -> None:
        """Ask the database who leads: an engine that was replaced still speaks, or is it ours?

        A database that was put back in time also counts its epochs anew.
        """
        now = asyncio.get_running_loop().time()
        if not self.is_fresh and now - self._checked_at > _RECHECK_S:
            self._checked_at = now
            await self._catch_up()

    def _fits(self, row: JournalRow) -> bool:
        return (
            row.first_seq == self.view.seq + 1
            and row.previous_hash == self._hash
            and row.expected_hash() == row.hash
        )

    def _covers(self, message: BusMessage) -> bool:
        """Say whether the view holds everything that the message speaks of."""
        if isinstance(message, Rows):
            return self.view.seq >= message.rows[-1].last_seq
        if self.view.seq == message.last_seq:
            return self._hash == message.hash
        return self.view.seq > message.last_seq

    async def _apply(self, row: JournalRow) -> None:
        """Move the view by one batch; the event loop gets its turn every few milliseconds.

        Raises:
            msgspec.DecodeError: the row is whole but of another version of Probity.
            CoreError, LookupError, HistoryMismatch: it doesn't fit what it claims to follow.
        """
        self._lead(row.epoch)
        turn_ends = time.monotonic() + TURN_S
        for number, execution in enumerate(row.executions()):
            apply_committed(self.view, execution, self._listeners)
            if number % COMMANDS_BETWEEN_LOOKS == 0 and time.monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + TURN_S
        if self.view.seq != row.last_seq:
            raise HistoryMismatch(f"a batch that ends at {row.last_seq} led to {self.view.seq}")
        self._hash = row.hash

    async def _catch_up(self) -> None:
        """Read from the journal what is missing; nothing happens if the database is away."""
        with contextlib.suppress(*_AWAY):
            head = await tables.read_head(self._store)
            gap = head.last_seq - self.view.seq
            if head.epoch < self.epoch or not 0 <= gap <= RELOAD_COMMANDS:
                await self._reload()
            while self.view.seq < head.last_seq:
                if not await self._replay():
                    await self._reload()
            if self.view.seq == head.last_seq and self._hash != head.chain_hash:
                await self._reload()
            self._lead(head.epoch)

    async def _replay(self) -> bool:
        """Apply the journal's next few rows; False if they don't follow on the view."""
        rows = await rows_after(self._store, self.view.seq)
        for row in rows:
            if not self._fits(row):
                return False
            await self._apply(row)
        return bool(rows)

    async def _reload(self) -> None:
        """Load the tables anew: too much was missed, or the database has another history."""
        loaded = await load(self._url)
        self.view.dismantle()
        self.view.become(loaded.view)
        self._hash = loaded.hash
        self.epoch = loaded.epoch
        self._feed_listener.on_reload(self.epoch, self.view)

    def _lead(self, epoch: int) -> None:
        """Note a later epoch."""
        if epoch > self.epoch:
            self.epoch = epoch
            self._feed_listener.on_epoch(epoch, self.view)
