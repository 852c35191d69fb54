"""Whether the database answers the engine, and who is told when it doesn't.

::

    asked ─> STALLED_S      the observer hears of it: not ready, heartbeats are stale
          ─> told_s         whoever waits is told "unknown", nothing more is taken
          ─> ABANDONED_S    the session is given up: the process recovers in a new one
    answered                all of it is over, and the answer counts, however late it is

Laws: nobody waits without a word; a late answer is waited for, since the commit may well have
happened and the engine can go on where it stands; only time in which this process was awake counts,
so one that was stopped itself blames nobody. One timer for all, nothing for each command.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from persistence.loop.ports import EngineObserver

STALLED_S: Final = 2.0
COMMIT_TIMEOUT_S: Final = 5.0
"""After so long whoever waits is told, unless the operator says otherwise."""
ABANDONED_S: Final = 60.0
"""A session that is silent for so long may have lost its server without knowing."""
_LOOK_S: Final = 0.1
_ASLEEP_S: Final = 1.0
"""A look that comes so late says that this process stood still, not the database."""


class StallWatch:
    """Looks at how long the engine's oldest question to the database is open."""

    def __init__(
        self,
        asked_at: Callable[[], float | None],
        told_s: float,
        observer: EngineObserver,
        tell: Callable[[], None],
        abandon: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin as if all were answered.

        Args:
            asked_at: gives the clock's time of the oldest open question, None if there is none.
            told_s: how long a question may be open before `tell` is called, at each look.
            observer: hears of the beginning and the end of a stall.
            tell: tells everybody who waits.
            abandon: gives the session up.
            clock: seconds that only grow.
        """
        self.is_stalled = False
        self.is_shut = False
        """Whether the engine takes nothing, because it couldn't say when it would answer."""
        self._asked_at = asked_at
        self._told_s = told_s
        self._observer = observer
        self._tell = tell
        self._abandon = abandon
        self._clock = clock
        self._looked_at = self._awake_since = clock()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on."""
        self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look_again)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self) -> None:
        """Compare what was said with how things are."""
        now = self._clock()
        if now - self._looked_at > _ASLEEP_S:
            self._awake_since = now
        self._looked_at = now
        asked_at = self._asked_at()
        waited = 0.0 if asked_at is None else now - max(asked_at, self._awake_since)
        self._judge(waited)

    def _judge(self, waited: float) -> None:
        is_stalled = waited >= min(STALLED_S, self._told_s)
        if is_stalled is not self.is_stalled:
            self.is_stalled = is_stalled
            self._observer.stalled(waited if is_stalled else None)
        if not is_stalled:
            self.is_shut = False
        elif waited >= self._told_s:
            # Also what came in before this was noticed, however little that is.
            self.is_shut = True
            self._tell()
        if waited >= max(ABANDONED_S, self._told_s):
            self._abandon()

    def _look_again(self) -> None:
        self.start()
        self.look()
