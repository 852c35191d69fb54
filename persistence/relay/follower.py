"""A committed view in a process without an engine: it follows the journal, whichever way rows come.

::

    Redis: rows, beats --> of the engine that leads? fits? --> apply to the view --> listeners
                             | no, or silence
                             v
    PostgreSQL:      the journal's next rows  (if they don't fit either: the tables anew)
                     once a second: who leads, and how far is it?

Laws: a row is applied only if the engine that leads has said it, and if it begins where the view
ends, in sequence and in hash, so nothing is missed, repeated or taken from another history. Who
leads is PostgreSQL's to say, and so is every doubt. The view is *fresh* only while the engine's
word and the database's are both young (`freshness`) and nothing they named is missing; without that
it still moves, by reading the journal about once a second, but is marked. A view that is ahead of
its database follows the engine of another copy: it is loaded anew, and that engine isn't heard
again. A row that can't be applied means loading the tables anew; only if those can't be read, or
the engine's secret isn't ours, the process ends (`failed`).
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

from exchange.model.state import State
from persistence.errors import HistoryMismatch, SecretDiffers, SegmentUnreadable
from persistence.journal.reader import rows_after
from persistence.journal.rows import JournalRow
from persistence.journal.source import JournalSource
from persistence.loop.committed_view import COMMANDS_BETWEEN_LOOKS, TURN_S, apply_committed
from persistence.loop.ports import ExecutionListener
from persistence.postgres.database import Fetching, absence_waited_for
from persistence.relay.freshness import Freshness
from persistence.relay.loading import Loaded, load
from persistence.relay.looks import Look, look
from persistence.relay.messages import BusMessage, Rows

_LOG: Final = logging.getLogger(__name__)

STALE_AFTER_S: Final = 2.5
"""So old the engine's word, or the database's, may be; both come each second."""
LOOK_S: Final = 1.0
"""Between two looks at the database."""
RELOAD_COMMANDS: Final = 200_000
"""A longer gap isn't replayed: loading the tables is quicker."""
_MEND_S: Final = 1.0
"""Between two repairs if one wasn't enough: the database is away, or a row never fits."""


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
        is_known: Callable[[str], bool],
    ) -> None:
        """Take over a view.

        Args:
            loaded: moved from now on by this object alone.
            url: from where the tables are loaded again if need be.
            store: a pool for reading the journal.
            source: of the engine's messages; closed by `stop`.
            listeners: told of every committed command, in order.
            feed_listener: told of everything else.
            is_known: says of a stream whether its engine has our secret (`channel.is_made_with`).
        """
        loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[BaseException] = loop.create_future()
        """Done when the view can't go on, with the reason."""
        self.view = loaded.view
        self.epoch = loaded.look.epoch
        self._hash = loaded.look.chain_hash
        self._url = url
        self._store = store
        self._source = source
        self._listeners = list(listeners)
        self._feed_listener = feed_listener
        self._is_known = is_known
        self._clock = loop.time
        self._stream = loaded.look.stream_id
        self._distrusted: str | None = None
        """A stream that led the view ahead of its database."""
        self._newcomer: BusMessage | None = None
        """The last that an engine said while another one led, as far as was known."""
        self._hurry = asyncio.Event()
        self._is_broken = False
        """Whether the view is half of what it should be, and waits for the tables."""
        self._freshness = Freshness(loop.time)
        self._freshness.looked(loaded.look, self.view.seq)
        self._mend_after = -math.inf
        self._was_reloaded = False
        self._turn = asyncio.Lock()
        """Of whoever moves the view: a message, or a look."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_fresh(self) -> bool:
        """Whether the engine was heard lately, leads, and nothing it named is missing."""
        return not self._is_broken and self.silence_s <= STALE_AFTER_S

    @property
    def stream(self) -> str | None:
        """Which life of an engine leads, as the database said last; None: one that is unheard."""
        return self._stream

    @property
    def silence_s(self) -> float:
        """Seconds since the view was known to be where the engine is; infinite before that."""
        return self._freshness.age_s

    def start(self) -> None:
        """Begin to follow."""
        self._tasks = [
            asyncio.create_task(self._guarded(self._listen()), name="follower"),
            asyncio.create_task(self._guarded(self._watch()), name="follower's looks"),
        ]

    async def stop(self) -> None:
        """Stop following and end the subscription."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._source.close()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what has no end; whatever ends it ends the process."""
        try:
            await work
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Somebody cancelled what it waited for: nobody would follow from here on.
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: the view isn't trusted
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    async def _listen(self) -> None:
        while True:
            message = await self._source.receive()
            async with self._turn:
                await self._take(message)

    async def _watch(self) -> None:
        """Look at the database once a second, whatever comes over Redis, and for a newcomer."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._hurry.wait()
            self._hurry.clear()
            with absence_waited_for():
                await self._look()

    def _wonder(self, message: BusMessage) -> None:
        """Ask at once, and once, whether an engine that wasn't heard before leads now."""
        if message.stream == self._distrusted:
            return
        if self._newcomer is None or self._newcomer.stream != message.stream:
            self._hurry.set()
        self._newcomer = message

    async def _hear_newcomer(self) -> None:
        """Take what was said by an engine that turned out to lead: its next word is a beat away."""
        message = self._newcomer
        if message is not None and message.stream == self._stream:
            self._newcomer = None
            await self._take(message)

    async def _look(self) -> None:
        """Ask the database who leads and how far it is, and compare.

        The question is asked outside the turn, so that a slow answer keeps no row waiting; what the
        view is by then may only be further on.
        """
        view_seq, epoch = self.view.seq, self.epoch
        found = await look(self._store)
        async with self._turn:
            if found is None or epoch != self.epoch or self.view.seq < view_seq:
                return  # the view was loaded anew meanwhile
            if found.stream_id != self._stream or found.epoch != epoch or self._is_broken:
                await self._catch_up()
            elif view_seq > found.last_seq:
                await self._distrust()
            elif self._differs(found) or self._freshness.is_late(self.view.seq):
                await self._catch_up()
            else:
                self._freshness.looked(found, self.view.seq)
            await self._hear_newcomer()

    def _differs(self, found: Look) -> bool:
        return self.view.seq == found.last_seq and self._hash != found.chain_hash

    async def _distrust(self) -> None:
        """Leave an engine that isn't the one of this database, though it has its name."""
        _LOG.error(
            "the view is ahead of the database: the engine that is heard writes to another copy"
        )
        self._distrusted = self._stream
        self._is_broken = True
        await self._catch_up()

    async def _take(self, message: BusMessage | None) -> None:
        if message is None:
            await self._catch_up()
            return
        if message.stream != self._stream or message.stream == self._distrusted:
            self._wonder(message)
            return
        if isinstance(message, Rows):
            for row in message.rows:
                if row.epoch == self.epoch and self._fits(row):
                    await self._apply(row)
        if not self._covers(message) and self._may_mend():
            self._feed_listener.on_gap()
            await self._catch_up()
            if not self._covers(message):
                self._mend_after = self._clock() + _MEND_S
        if not self._covers(message):
            return
        self._freshness.said(message.said_at, message.newest, self.view.seq)

    def _fits(self, row: JournalRow) -> bool:
        return (
            not self._is_broken
            and row.first_seq == self.view.seq + 1
            and row.previous_hash == self._hash
            and row.expected_hash() == row.hash
        )

    def _covers(self, message: BusMessage) -> bool:
        """Say whether the view holds everything that the message speaks of."""
        if self._is_broken:
            return False
        if isinstance(message, Rows):
            return self.view.seq >= message.rows[-1].last_seq
        if self.view.seq == message.last_seq:
            return self._hash == message.hash
        return self.view.seq > message.last_seq

    async def _apply(self, row: JournalRow) -> None:
        """Move the view by one batch; the event loop gets its turn every few milliseconds.

        What can't be applied, because it isn't what it claims to be or of another version of
        Probity, leaves the view broken.
        """
        try:
            await self._move(row)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the tables are right
            _LOG.exception("a row can't be applied: the tables are loaded anew")
            self._is_broken = True
            return
        self._hash = row.hash
        self._freshness.reached(self.view.seq)

    async def _move(self, row: JournalRow) -> None:
        self._lead(row.epoch)
        executions = row.executions()
        if [execution.seq for execution in executions] != [*range(row.first_seq, row.last_seq + 1)]:
            raise HistoryMismatch(
                f"the batch {row.first_seq} to {row.last_seq} holds other commands"
            )
        turn_ends = time.monotonic() + TURN_S
        for number, execution in enumerate(executions):
            apply_committed(self.view, execution, self._listeners)
            if number % COMMANDS_BETWEEN_LOOKS == 0 and time.monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + TURN_S

    def _may_mend(self) -> bool:
        """Say whether to catch up at once; not again and again while that doesn't do."""
        return self._clock() >= self._mend_after

    async def _catch_up(self) -> None:
        """Read from the journal what is missing; nothing happens if the database is away."""
        self._mend_after = self._clock() + _MEND_S
        self._was_reloaded = False
        with absence_waited_for():
            found = await look(self._store)
            if found is None:
                raise HistoryMismatch("engine_state is empty")
            self._follow(found)
            gap = found.last_seq - self.view.seq
            if self._is_broken or found.epoch < self.epoch or not 0 <= gap <= RELOAD_COMMANDS:
                await self._reload()
            while self.view.seq < found.last_seq:
                if not await self._replay():
                    await self._reload()
            if self._differs(found):
                await self._reload()
            self._lead(found.epoch)
            self._freshness.looked(found, self.view.seq)
            if not self._was_reloaded:
                self._mend_after = -math.inf

    async def _replay(self) -> bool:
        """Apply the journal's next few rows; False if they don't follow on the view."""
        try:
            rows = await rows_after(JournalSource(self._store), self.view.seq)
        except SegmentUnreadable:
            return False
        for row in rows:
            if not self._fits(row):
                return False
            await self._apply(row)
        return bool(rows) and not self._is_broken

    async def _reload(self) -> None:
        """Load the tables anew: too much was missed, or the database has another history."""
        loaded = await load(self._url)
        self.view.dismantle()
        self.view.become(loaded.view)
        self._hash = loaded.look.chain_hash
        self.epoch = loaded.look.epoch
        self._is_broken = False
        self._was_reloaded = True
        self._freshness.forget_looks()
        self._feed_listener.on_reload(self.epoch, self.view)

    def _lead(self, epoch: int) -> None:
        """Note a later epoch."""
        if epoch > self.epoch:
            self.epoch = epoch
            self._feed_listener.on_epoch(epoch, self.view)

    def _follow(self, found: Look) -> None:
        """Hear the engine that leads from now on; raises SecretDiffers if it isn't one of ours."""
        if found.stream_id == self._stream:
            return
        self._freshness.forget_word()
        self._stream = found.stream_id
        if found.stream_id is not None and not self._is_known(found.stream_id):
            raise SecretDiffers(
                "the engine that leads has another JWT_PRIVATE_KEY than this process"
            )
