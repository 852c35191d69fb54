"""Which markets somebody looks at: noted for those who decide what is polled.

Laws: a reader never waits for it, and a market is noted once a minute at most, however many look.
"""

import asyncio
from typing import Final

from gateway.feeds.intake.snapshots import WATCH_S
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import is_absence
from persistence.repositories.feeds.state import FeedState

_AGAIN_S: Final = 60.0
_REMEMBERED: Final = 10_000
_UNDER_WAY_MAX: Final = 50


class Watches:
    """Notes that a market is looked at."""

    def __init__(self, state: FeedState, logger: Logger) -> None:
        self._state = state
        self._logger = logger
        self._noted: dict[int, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def note(self, market_id: int) -> None:
        """Note that somebody looks at a market now."""
        now = asyncio.get_running_loop().time()
        if self._noted.get(market_id, float("-inf")) > now - _AGAIN_S:
            return
        if len(self._under_way) >= _UNDER_WAY_MAX:
            return
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[market_id] = now
        task = asyncio.create_task(self._write(market_id), name="watch of a market")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _write(self, market_id: int) -> None:
        try:
            await self._state.watch([market_id], now_us() + WATCH_S * MICROSECONDS)
        except Exception as error:
            if not is_absence(error):
                raise
            self._logger.warning("a watch can't be noted", reason=type(error).__name__)
