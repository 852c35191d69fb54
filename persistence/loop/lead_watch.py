"""Whether this engine can be sure that it led a moment ago, before it says anything to others.

    awake all the time            sure: the database would have told
    stood still for a second      not sure, until something is done that was asked since

Laws: an engine that was stopped may have been followed by another one meanwhile, and what it finds
when it goes on (an answer that came before, a full buffer) is old: it says nothing until its
database has done, on the session that leads, what it was asked after that. A database that is slow
is no doubt: it does what it was asked, or says that another engine leads. No fence: what is said in
doubt would have been committed all the same.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

STOOD_STILL_S: Final = 1.0
_TICK_S: Final = 0.1


class LeadWatch:
    """Knows how long this process stood still."""

    def __init__(
        self, led_at: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`led_at` gives when the database was asked what it did last, by `clock`: awake since then
        at the best, for whoever begins may have stood still before.
        """
        self._led_at = led_at
        self._clock = clock
        self._ticked_at = led_at()
        self._awake_since = -1.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Notice from now on when nothing moves."""
        self._tick()
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self.start)

    def close(self) -> None:
        """Notice nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def is_sure(self) -> bool:
        """Say whether the lead was this engine's since it last stood still."""
        self._tick()
        return self._led_at() >= self._awake_since

    def _tick(self) -> None:
        now = self._clock()
        if now - self._ticked_at > STOOD_STILL_S:
            self._awake_since = now
        self._ticked_at = now
