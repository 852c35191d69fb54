"""Which markets are mirrors, kept known in every process that shows markets.

Law: read again and again by what changed since, since another process may have made one; the first
time all that ever were, so many at a time.
"""

from typing import Final

from gateway.feeds.mirrored import Mirrored
from gateway.jobs.looking import Changes, look_again
from gateway.jobs.supervisor import CheckIn
from persistence.repositories.economy.mirrors import Listed, Mirrors

INTERVAL_S: Final = 2.0


class KeptMirrored:
    """Keeps `Mirrored` up to date in a process that shows markets."""

    NAME: Final = "mirrored"

    def __init__(self, rows: Mirrors, mirrored: Mirrored) -> None:
        self._mirrored = mirrored
        self._changes = Changes(rows.changed, _place, 0)

    async def look(self) -> None:
        """Take in what changed."""
        await self._changes.take(self._note)

    def _note(self, mirror: Listed) -> None:
        self._mirrored.note(mirror.market_id, mirror.source, mirror.labels)

    async def run(self, check_in: CheckIn) -> None:
        """Look again and again, until cancelled."""
        await look_again(self.look, check_in, pause_s=INTERVAL_S)


def _place(mirror: Listed) -> tuple[int, int]:
    return mirror.changed_at, mirror.id
