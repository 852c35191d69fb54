"""What a socket has still to be sent: a bounded queue in front of its transport.

Frames pushed in one turn of the event loop go to the transport in one write at its end
(`TurnEnd`): a batch of commands that commits together costs one system call a socket, not one a
message. A reader that falls behind makes the transport say `pause`; frames then wait here until
`resume`.

Laws: nothing here waits and no task runs per socket, so a slow reader costs nobody else anything.
Frames are shared between sockets. Nothing is dropped silently: passing the bound ends the socket.
An entry may also be a `Pending` message, whose frame is made when its turn comes (books are
conflated that way, see `streaming/rooms.py`).

A burst made in one step (the end of all of an account's orders) is no slowness: the bound may be
passed up to `BURST` times as much, for `GRACE_SECONDS` and on from there as long as a `READ_PART`
of it is read in each of these, since the answer to what made the burst comes behind it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, Protocol

GRACE_SECONDS: Final = 1.0
READ_PART: Final = 1 / 4
BURST: Final = 20
"""At the default bound as much as one command says to the owner of all orders an account may have:
of each a message, and its fill.
"""
BYTES_PER_MESSAGE: Final = 16_384
"""Bounds the bytes that wait, as a multiple of the bound in messages."""
WRITE_BYTES: Final = 65_536
"""So much is written at once, without waiting for the end of the turn."""


class Pending(Protocol):
    """A message that is made as late as possible."""

    def frame(self) -> bytes | None:
        """Return what is to be sent now, None if it is no longer wanted."""


class TurnEnd:
    """Lets queues write when everything that one turn of the event loop brought is in them.

    A commit publishes first and answers in the turn after; the flush comes behind both.
    """

    __slots__ = ("_loop", "_waiting")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Outbound] = []

    def __call__(self, outbound: "Outbound") -> None:
        """Flush the queue soon."""
        if not self._waiting:
            self._loop.call_soon(self._answers_come_first)
        self._waiting.append(outbound)

    def _answers_come_first(self) -> None:
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outbound in waiting:
            outbound.flush()


class Outbound:
    """One socket's queue.  `push` costs appending to a list for a reader that keeps up."""

    __slots__ = (
        "_bytes",
        "_max_messages",
        "_most",
        "_on_overflow",
        "_over_since",
        "_paused",
        "_queue",
        "_schedule",
        "_turn",
        "_turn_bytes",
        "_write",
        "flowing",
    )

    def __init__(
        self,
        write: Callable[[bytes], None],
        max_messages: int,
        on_overflow: Callable[[], None],
        schedule: "Callable[[Outbound], None]",
    ) -> None:
        """Make an empty queue; `schedule` sees to it that `flush` is called soon."""
        self._write = write
        self._max_messages = max_messages
        self._on_overflow = on_overflow
        self._schedule = schedule
        self._turn: list[bytes] = []
        self._turn_bytes = 0
        self._queue: deque[bytes | Pending] = deque()
        self._bytes = 0
        self._over_since: float | None = None
        self._most = 0
        """That waited since then."""
        self._paused = False
        self.flowing = True
        """Whether what is pushed now goes out at the end of the turn."""

    def __len__(self) -> int:
        return len(self._turn) + len(self._queue)

    def push(self, frame: bytes) -> None:
        """Send a frame as soon as the reader takes it; over the bound the socket is ended."""
        if self.flowing:
            self._turn.append(frame)
            self._turn_bytes += len(frame)
            if len(self._turn) == 1:
                self._schedule(self)
            elif self._turn_bytes > WRITE_BYTES:
                self.flush()
        else:
            self._bytes += len(frame)
            self._enqueue(frame)

    def push_all(self, frames: Sequence[bytes]) -> None:
        """Push frames one behind the other, those that a turn still takes all at once."""
        size = self._turn_bytes + sum(map(len, frames))
        if not self.flowing or size > WRITE_BYTES:
            for frame in frames:
                self.push(frame)
            return
        turn = self._turn
        is_begun = bool(turn)
        turn += frames
        self._turn_bytes = size
        if turn and not is_begun:
            self._schedule(self)

    def push_pending(self, pending: Pending) -> None:
        """Queue a message to be made later; only while not `flowing`."""
        self._enqueue(pending)

    def flush(self) -> None:
        """Write what this turn brought."""
        turn = self._turn
        if turn:
            self._turn = []
            self._turn_bytes = 0
            self._write(turn[0] if len(turn) == 1 else b"".join(turn))

    def pause(self) -> None:
        """Note that the transport takes no more for now."""
        self._paused = True
        self.flowing = False

    def resume(self) -> None:
        """Send what waits, as far as the transport takes it."""
        self._paused = False
        self.flush()
        queue = self._queue
        while queue and not self._paused:
            self._take(queue)
            self.flush()
        if len(queue) <= self._max_messages:
            self._over_since = None
        self.flowing = not self._paused

    def _take(self, queue: deque[bytes | Pending]) -> None:
        """Move as much as one write takes from the queue to the turn."""
        while queue and self._turn_bytes <= WRITE_BYTES:
            entry = queue.popleft()
            if isinstance(entry, bytes):
                frame: bytes | None = entry
                self._bytes -= len(entry)
            else:
                frame = entry.frame()
            if frame is not None:
                self._turn.append(frame)
                self._turn_bytes += len(frame)

    def take(self) -> list[bytes | Pending]:
        """Take out what waits, in order, to be queued elsewhere."""
        waiting = list(self._queue)
        self._queue.clear()
        self._bytes = 0
        self._over_since = None
        return waiting

    def stop(self) -> None:
        """Forget what waits and take nothing more: the socket has ended."""
        self._turn.clear()
        self._queue.clear()
        self._bytes = 0
        self._write = _discard
        self._paused = self.flowing = False
        self._max_messages = 0
        self._on_overflow = _nothing

    def _enqueue(self, entry: bytes | Pending) -> None:
        bound = self._max_messages
        if bound == 0:
            return
        self._queue.append(entry)
        if len(self._queue) <= bound and self._bytes <= bound * BYTES_PER_MESSAGE:
            return
        now, waiting = monotonic(), len(self._queue)
        if self._over_since is None:
            self._over_since, self._most = now, waiting
        self._most = max(self._most, waiting)
        over = waiting > bound * BURST or self._bytes > bound * BYTES_PER_MESSAGE
        if (over and waiting > 1) or not self._is_read(now, self._over_since, waiting):
            self._on_overflow()

    def _is_read(self, now: float, since: float, waiting: int) -> bool:
        """Return whether a reader with too much before it is given time, and goes on so."""
        if now - since <= GRACE_SECONDS:
            return True
        if self._most - waiting < READ_PART * self._max_messages * (now - since) / GRACE_SECONDS:
            return False
        self._over_since, self._most = now, waiting
        return True


def _discard(_frame: bytes) -> None:
    """Take the place of the transport's write after the end."""


def _nothing() -> None:
    """Take the place of the overflow's answer after the end."""
