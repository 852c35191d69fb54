"""How far what follows from the journal has come, and the wait until it has come further.

The projector is another process, at most a fraction of a second behind; so a read says up to which
command it holds everything, and `?minSeq=` waits for a later one, bounded.
"""

import asyncio
import time
from typing import Final, Protocol

from gateway.wire.errors import NotYetReached, Unavailable

POLL_S: Final = 0.05
WAITS_MAX: Final = 50
"""At once, in a process: each asks the database every so often."""


class KnowsProgress(Protocol):
    """Where the progress is kept."""

    async def projected(self) -> int:
        """Return the last command that is in everything stored."""


class Projected:
    """Asks the store."""

    def __init__(self, store: KnowsProgress, wait_s: float) -> None:
        self._store = store
        self._wait_s = wait_s
        self._waits = 0

    async def reach(self, seq: int) -> int:
        """Return the last command that is in everything stored, once that is `seq` or later.

        Raises NotYetReached if it takes too long, Unavailable if too many wait.
        """
        reached = await self._store.projected()
        if reached >= seq:
            return reached
        if self._waits >= WAITS_MAX:
            raise Unavailable("too many reads wait for a command; try again in a moment")
        self._waits += 1
        try:
            ends = time.monotonic() + self._wait_s
            while reached < seq:
                if time.monotonic() >= ends:
                    raise NotYetReached.of(seq, reached)
                await asyncio.sleep(POLL_S)
                reached = await self._store.projected()
        finally:
            self._waits -= 1
        return reached
