"""The metrics as Prometheus reads them, without being a way to keep the event loop busy.

Law: making the page, some milliseconds of work for whoever asks, takes at most `SHARE` of the event
loop's time; who asks more often is given the last one again. A scraper never sees that: it comes
once in seconds, and the page is old by as many times what it takes to make. Apart from the
metrics, which don't know what it costs to show them.
"""

import math
import time
from collections.abc import Callable
from typing import Final

SHARE: Final = 0.05


class Scrapes:
    """Shows a page that is dear to make."""

    __slots__ = ("_clock", "_fresh_until", "_make", "_page")

    def __init__(
        self, make: Callable[[], bytes], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Show what `make` returns; `clock` says the time in seconds."""
        self._make = make
        self._clock = clock
        self._page = b""
        self._fresh_until = -math.inf

    def page(self) -> bytes:
        """Return the page, a new one if it is time."""
        began = self._clock()
        if began >= self._fresh_until:
            self._page = self._make()
            ended = self._clock()
            self._fresh_until = ended + (ended - began) * (1 / SHARE - 1)
        return self._page
