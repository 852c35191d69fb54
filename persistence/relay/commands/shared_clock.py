"""The database's clock as this process knows it, by which a command's deadline is told and judged.

Laws: no two machines' clocks are compared; what was read is carried on by the event loop's clock.
Whoever sets a deadline takes the earliest that it may be now and whoever judges it the latest, so
that how long a reading took makes a command late rather than alive for too long.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

from persistence.clock import MICROSECONDS
from persistence.postgres.database import absence_waited_for

READ_S: Final = 5.0
"""Between two readings: clocks drift apart by less than a millisecond meanwhile."""


class SharedClock:
    """Reads the database's clock now and then (each READ_S), and tells it always."""

    def __init__(self, read: Callable[[], Awaitable[int]]) -> None:
        """Take what asks the database, in microseconds since the epoch."""
        self._read = read
        self._now = asyncio.get_running_loop().time
        self._earliest = -math.inf
        """What the database's clock was, at least, when the loop's was 0; in seconds."""
        self._latest = -math.inf

    async def read(self) -> int:
        """Ask the database and return what it says; raises what it raises."""
        asked_at = self._now()
        found = await self._read()
        seconds = found / MICROSECONDS
        self._earliest, self._latest = seconds - self._now(), seconds - asked_at
        return found

    @property
    def is_known(self) -> bool:
        """Whether it was ever read."""
        return math.isfinite(self._latest)

    def earliest(self) -> int:
        """Return the earliest that it may be."""
        return int((self._now() + self._earliest) * MICROSECONDS)

    def latest(self) -> int:
        """Return the latest that it may be; nothing runs before it was ever read."""
        if not self.is_known:
            return 1 << 62
        return int((self._now() + self._latest) * MICROSECONDS)

    async def look(self) -> None:
        """Read it; a database that is away leaves it as it was."""
        with absence_waited_for():
            await self.read()
