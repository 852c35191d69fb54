"""A timer that is set again and again and seldom rings: one handle of the event loop for many.

Making and ending a handle for each wait costs a server that is never idle a hundredth of its time.
"""

import asyncio
from collections.abc import Callable


class Alarm:
    """Rings at the latest when it was asked to, and maybe before."""

    __slots__ = ("_due", "_handle", "_loop", "_ring")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], object]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def within(self, seconds: float) -> None:
        """Ring within so many seconds: sooner where it was asked for less before."""
        due = self._loop.time() + seconds
        if self._handle is not None:
            if self._due <= due:
                return
            self._handle.cancel()
        self._due = due
        self._handle = self._loop.call_at(due, self._rings)

    def stop(self) -> None:
        """Ring no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _rings(self) -> None:
        self._handle = None
        self._ring()
