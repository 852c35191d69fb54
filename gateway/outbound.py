"""What a socket has still to be sent: a bounded queue in front of its transport.

A frame goes straight to the transport while that takes it; a reader that falls behind makes the
transport say `pause`, and frames wait here until `resume`.

Laws: nothing here waits and no task runs per socket, so a slow reader costs nobody else anything.
Frames are shared between sockets and never copied. Nothing is dropped silently: passing the bound
ends the socket. An entry may also be a `Pending` message, whose frame is made when its turn comes
(books are conflated that way, see `rooms.py`).

A burst made in one step (the end of a market with thousands of orders) is no slowness: the bound
may be passed for `GRACE_SECONDS` up to `BURST` times as much, not longer and not further.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

GRACE_SECONDS: Final = 1.0
BURST: Final = 16
BYTES_PER_MESSAGE: Final = 8_192
"""Bounds the bytes that wait, as a multiple of the bound in messages."""


class Pending(Protocol):
    """A message that is made as late as possible."""

    def frame(self) -> bytes | None:
        """Return what is to be sent now, None if it is no longer wanted."""


class Outbound:
    """One socket's queue.  `push` costs one call to the transport for a reader that keeps up."""

    __slots__ = (
        "_bytes",
        "_max_messages",
        "_on_overflow",
        "_over_since",
        "_paused",
        "_queue",
        "_write",
        "flowing",
    )

    def __init__(
        self, write: Callable[[bytes], None], max_messages: int, on_overflow: Callable[[], None]
    ) -> None:
        self._write = write
        self._max_messages = max_messages
        self._on_overflow = on_overflow
        self._queue: deque[bytes | Pending] = deque()
        self._bytes = 0
        self._over_since: float | None = None
        self._paused = False
        self.flowing = True
        """Whether what is pushed now goes out at once."""

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, frame: bytes) -> None:
        """Send a frame as soon as the reader takes it; over the bound the socket is ended."""
        if self.flowing:
            self._write(frame)
        else:
            self._bytes += len(frame)
            self._enqueue(frame)

    def push_pending(self, pending: Pending) -> None:
        """Queue a message to be made later; only while not `flowing`."""
        self._enqueue(pending)

    def pause(self) -> None:
        """Note that the transport takes no more for now."""
        self._paused = True
        self.flowing = False

    def resume(self) -> None:
        """Send what waits, as far as the transport takes it."""
        self._paused = False
        queue = self._queue
        while queue and not self._paused:
            entry = queue.popleft()
            if isinstance(entry, bytes):
                self._bytes -= len(entry)
                self._write(entry)
            elif (frame := entry.frame()) is not None:
                self._write(frame)
        if len(queue) <= self._max_messages:
            self._over_since = None
        self.flowing = not self._paused

    def stop(self) -> None:
        """Forget what waits and take nothing more: the socket has ended."""
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
        now = monotonic()
        if self._over_since is None:
            self._over_since = now
        over = len(self._queue) > bound * BURST or self._bytes > bound * BYTES_PER_MESSAGE
        if (over and len(self._queue) > 1) or now - self._over_since > GRACE_SECONDS:
            self._on_overflow()


def _discard(_frame: bytes) -> None:
    """Take the place of the transport's write after the end."""


def _nothing() -> None:
    """Take the place of the overflow's answer after the end."""
