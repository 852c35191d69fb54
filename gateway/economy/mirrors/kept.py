"""Which markets are mirrors, kept known in every process that shows markets.

Law: read again and again by what changed since, since another process may have made one; the first
time all that ever were, so many at a time.
"""

from typing import Final

from gateway.feeds.mirrored import Mirrored
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from persistence.clock import MICROSECONDS
from persistence.repositories.economy.mirrors import Mirrors

INTERVAL_S: Final = 2.0
AT_ONCE: Final = 1_000
_LATE_US: Final = 60 * MICROSECONDS
"""What commits late was stamped earlier by at most so much."""


class KeptMirrored:
    """Keeps `Mirrored` up to date in a process that shows markets."""

    NAME: Final = "mirrored"

    def __init__(self, rows: Mirrors, mirrored: Mirrored) -> None:
        self._rows = rows
        self._mirrored = mirrored
        self._since = 0

    async def look(self) -> None:
        """Take in what changed."""
        after = self._since, 0
        while True:
            changed = await self._rows.changed(after, AT_ONCE)
            for mirror in changed:
                self._mirrored.note(mirror.market_id, mirror.source, mirror.labels)
                after = mirror.changed_at, mirror.id
            if len(changed) < AT_ONCE:
                break
        # What commits late was stamped a little earlier.
        self._since = max(self._since, after[0] - _LATE_US)

    async def run(self, check_in: CheckIn) -> None:
        """Look again and again, until cancelled."""
        await look_again(self.look, check_in, pause_s=INTERVAL_S)
