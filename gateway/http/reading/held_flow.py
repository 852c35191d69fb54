"""What a connection hands to others, which mustn't lead back to it: a ring would be freed late.

uvicorn's flow control, with what is held coming before what could be read; the way of an answer to
the transport; and the count of requests that a rate limit refused.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

GOES_ON: Final = "probity.goes_on"
"""What a scope's extension is named that begins the deadline of a state anew: for an answer of
which a part went out.
"""
ON_LIMITED: Final = "probity.on_limited"
"""And the one that hears of each request that a rate limit refused."""
_CONTINUE: Final = b"HTTP/1.1 100 "


class HeldFlow(FlowControl):
    """Reads on only when what is held has been taken."""

    def __init__(self, transport: asyncio.Transport, go_on: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._go_on = go_on

    def resume_reading(self) -> None:
        """Let what is held come first."""
        if self.read_paused and self._go_on():
            self.read_on()

    def stop(self) -> None:
        """Read nothing more: the connection, which it held, has ended."""
        self._go_on = _never

    def read_on(self) -> None:
        """Read on, unless the connection is being closed."""
        if not self._transport.is_closing():
            super().resume_reading()


def _never() -> bool:
    """Go on with nothing after the end."""
    return False


class WholeAnswer:
    """Takes the place of the transport for one answer: its head waits for what comes behind it.

    uvicorn writes the two one after another, and each write is a system call.
    """

    __slots__ = ("_head", "_is_begun", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self._is_begun = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Keep the head; write it with what comes behind it."""
        if self._head is not None:
            self._transport.write(self._head + data)
            self._head = None
        elif self._is_begun or data.startswith(_CONTINUE):
            self._transport.write(data)
        else:
            self._head = data
            self._is_begun = True

    def flush(self) -> None:
        """Write the head that nothing came behind."""
        if self._head is not None:
            self.write(b"")

    def close(self) -> None:
        """Write what waits and close the transport."""
        self.flush()
        self._transport.close()


class Limited:
    """How many requests of a connection a rate limit has refused; called for each."""

    __slots__ = ("requests",)

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self) -> None:
        """Count one more."""
        self.requests += 1
