"""What a connection hands to others, which mustn't lead back to it: a ring would be freed late.

uvicorn's flow control, with what is held coming before what could be read; and the count of
requests that a rate limit refused.
"""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


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


class Limited:
    """How many requests of a connection a rate limit has refused; called for each."""

    __slots__ = ("requests",)

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self) -> None:
        """Count one more."""
        self.requests += 1
