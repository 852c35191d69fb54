"""The engine's end of the fan-out: committed batches go to Redis, and the engine never waits.

::

    on_batch(row) -> bounded buffer -> one task -> PUBLISH
                     database's clock ----^ a beat for each time that it was read

Laws: `on_batch` costs an append and never raises. What Redis doesn't take (it is away, frozen, or
slower than the engine) is dropped, all that waits at once: a gap is a gap, gateways repair it from
the journal, and old rows would only keep new ones waiting. One task owns the connection, so no
command on it is ever cancelled. Another one reads the database's clock, which may take its time:
meanwhile what is said is said as of the last time, and gateways see that it grows old. An engine
that stood still says nothing before it is sure that no other one has taken over meanwhile.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import asyncpg

from persistence.journal.rows import JournalRow
from persistence.postgres.database import OUTAGES
from persistence.relay.channel import Channel
from persistence.relay.messages import (
    BEAT_S,
    COMMAND_TIMEOUT_S,
    FAILURES,
    MESSAGE_BYTES,
    RETRY_S,
    Beat,
    BusMessage,
    BusObserver,
    Rows,
    make_client,
    reason_of,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOG: Final = logging.getLogger(__name__)

BUFFER_ROWS: Final = 4_096
BUFFER_BYTES: Final = 32 << 20
_DOUBT_S: Final = 0.05
SAID_S: Final = 60.0
"""At most one line about a fault in so many seconds."""
_UNTIMED_BEAT_S: Final = 1.25 * BEAT_S
"""So late comes a beat while the database's clock can't be read."""
_AWAY: Final = (*OUTAGES, asyncpg.InterfaceError)

DatabaseClock = Callable[[], Awaitable[int]]
"""Reads the database's clock, in microseconds since the epoch."""


class RedisPublisher:
    """Publishes one engine's batches; implements `ports.BatchListener`."""

    def __init__(
        self,
        url: str,
        channel: Channel,
        stream: str,
        head: tuple[int, bytes],
        clock: DatabaseClock,
        observer: BusObserver | None = None,
        *,
        is_sure: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin behind the batch `head` (its last sequence, its hash); `start` is still to come.

        `stream` is what the engine wrote into its database when it took the lead; `is_sure` says
        whether it still has it, as far as it can know (`persistence.loop.lead_watch`).
        """
        self._url = url
        self._channel = channel
        self._stream = stream
        self._head = head
        self._newest = head[0]
        self._clock = clock
        self._time = 0
        self._beat_due = -math.inf
        self._observer = observer or BusObserver()
        self._is_sure = is_sure
        self._rows: deque[JournalRow] = deque()
        self._bytes = 0
        self._is_connected = False
        self._noted: bool | None = None
        self._closing = False
        self._said_at = -math.inf
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def on_batch(self, row: JournalRow) -> None:
        """Queue a committed batch, or give it up if Redis isn't there to take it."""
        self._newest = row.last_seq
        self._rows.append(row)
        self._bytes += len(row.payload)
        if not self._is_connected or len(self._rows) > BUFFER_ROWS or self._bytes > BUFFER_BYTES:
            self._drop()
        else:
            self._news.set()

    def start(self) -> None:
        """Begin to publish."""
        self._tasks = [
            asyncio.create_task(self._run(), name="redis publisher"),
            asyncio.create_task(self._tell_time(), name="redis publisher's clock"),
        ]

    async def stop(self) -> None:
        """Publish what waits, if Redis takes it at once, and end."""
        self._closing = True
        self._news.set()
        if self._tasks:
            publishing, telling = self._tasks
            await publishing
            telling.cancel()
            await asyncio.wait([telling], timeout=COMMAND_TIMEOUT_S)

    async def _tell_time(self) -> None:
        """Read the database's clock once a second; each time a beat is due."""
        while True:
            try:
                self._time = await self._clock()
                self._beat_due = -math.inf
                self._news.set()
            except _AWAY:
                pass  # gateways see the time grow old
            except Exception as error:  # noqa: BLE001 - else no word would ever be new again
                self._say_fault(error)
            await asyncio.sleep(BEAT_S)

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._connect_and_publish()
            except FAILURES as error:
                await self._give_up(error)
            except Exception as error:  # noqa: BLE001 - else nothing would ever go out again
                self._say_fault(error)
                await self._give_up(error)

    async def _connect_and_publish(self) -> None:
        client = make_client(self._url)
        try:
            await client.ping()
            self._is_connected = True
            self._note(True)
            await self._publish(client)
        finally:
            await client.aclose()

    def _say_fault(self, error: Exception) -> None:
        """Log a fault of ours or the library's, which no outage explains; once in a while."""
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= SAID_S:
            self._said_at = now
            _LOG.error("publishing failed, it is begun again", exc_info=error)

    async def _give_up(self, error: Exception) -> None:
        """Say that Redis doesn't take anything, drop what waits, and pause."""
        self._is_connected = False
        self._note(False, reason_of(error))
        self._drop()
        await self._wait(RETRY_S)

    async def _publish(self, client: "Redis") -> None:
        """Send rows as they come and a beat each second, until closed."""
        clock = asyncio.get_running_loop().time
        self._beat_due = -math.inf
        while self._rows or not self._closing:
            left = self._beat_due - clock()
            if not self._is_sure():
                if self._closing:
                    self._drop()
                    return
                await self._wait(_DOUBT_S)
            elif left <= 0:
                self._beat_due = clock() + _UNTIMED_BEAT_S
                beat = Beat(self._stream, self._time, self._newest, *self._head)
                await self._send(client, beat)
            elif self._rows:
                rows = self._take()
                await self._send(client, Rows(self._stream, self._time, self._newest, rows))
                self._observer.published(len(rows))
            else:
                await self._wait(left)

    async def _send(self, client: "Redis", message: BusMessage) -> None:
        await client.publish(self._channel.name, self._channel.seal(message))

    def _take(self) -> list[JournalRow]:
        """Remove and return the rows of the next message."""
        rows: list[JournalRow] = []
        size = 0
        while self._rows and (not rows or size + len(self._rows[0].payload) <= MESSAGE_BYTES):
            row = self._rows.popleft()
            rows.append(row)
            size += len(row.payload)
        self._bytes -= size
        self._head = (rows[-1].last_seq, rows[-1].hash)
        return rows

    def _drop(self) -> None:
        """Give up what waits; the next beat or row shows the gap."""
        if self._rows:
            self._head = (self._rows[-1].last_seq, self._rows[-1].hash)
            self._observer.dropped(len(self._rows))
            self._rows.clear()
            self._bytes = 0

    def _note(self, is_connected: bool, reason: str = "") -> None:
        """Tell the observer of a change, and of the first time in any case."""
        if self._noted is not is_connected:
            self._noted = is_connected
            self._observer.connected(is_connected, reason)

    async def _wait(self, seconds: float) -> None:
        """Wait for news, at most so long."""
        self._news.clear()
        if self._closing:
            return
        timer = asyncio.get_running_loop().call_later(seconds, self._news.set)
        try:
            await self._news.wait()
        finally:
            timer.cancel()
