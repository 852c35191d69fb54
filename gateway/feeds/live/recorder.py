"""What followed markets were worth, written down as WEBSOCKET snapshots.

Laws: nobody waits for it. A market is written at most every `PAUSE_S`, as it is then; what waits is
one entry a market, however fast it moves. While the database is away what would have been written
is left out.
"""

import asyncio
from typing import Final

from gateway.feeds.intake.snapshots import snapshot_of
from gateway.feeds.live.followed import Followed
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.postgres.database import is_absence
from persistence.repositories.feeds.snapshots import WEBSOCKET, Snapshots

PAUSE_S: Final = 1.0
WAITING_MAX: Final = 5_000


class Recorder:
    """Writes snapshots."""

    def __init__(self, snapshots: Snapshots, logger: Logger, pause_s: float = PAUSE_S) -> None:
        self._snapshots = snapshots
        self._logger = logger
        self._pause_s = pause_s
        self._waiting: dict[int, Followed] = {}

    def note(self, followed: Followed) -> None:
        """Write the market down soon, if its book is in sync then."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting[followed.known.row.id] = followed

    async def run(self, check_in: CheckIn) -> None:
        """Write what is noted, until cancelled."""
        while True:
            await asyncio.sleep(self._pause_s)
            await self._write()
            check_in()

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        at = now_us()
        rows = [
            snapshot_of(followed.as_traded(), number, at, followed.venue_seq)
            for number, followed in waiting.items()
            if followed.in_sync and followed.book.fault is None
        ]
        if not rows:
            return
        try:
            await self._snapshots.add(WEBSOCKET, rows)
        except Exception as error:
            if not is_absence(error):
                raise
            self._logger.warning(
                "snapshots can't be written", reason=type(error).__name__, rows=len(rows)
            )
