"""Markets that a venue has deleted: neither its lists nor its answers show them any more.

    seen_at >= bound     listed, or answered for: nothing is wrong
    seen_at <  bound     missing; bound = when the venue's list was last read to its end - `after_s`

Laws: the bound goes by the venue's last whole list and not by the clock, so an outage of the venue,
of its clients or of the jobs makes nothing missing, however long it takes; a venue whose list was
never read misses nothing. A missing market keeps its status, since how it ended isn't known; it is
asked for ever more rarely (`VenueMarkets.due`), takes no place among the most active, is counted,
and goes in the end (`retention.py`).
"""

from collections.abc import Callable

from gateway.feeds.intake.ingestion import JOB as LISTS_JOB
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.state import FeedState


class Missing:
    """Says which markets count as missing."""

    def __init__(self, state: FeedState, after_s: int, clock: Callable[[], int] = now_us) -> None:
        """Take for missing what a venue hasn't shown for so many seconds."""
        self._state = state
        self._after_us = after_s * MICROSECONDS
        self._clock = clock

    async def bounds(self) -> dict[str, int]:
        """Return by platform since when a market must have been seen, in microseconds.

        A platform whose list was never read to its end isn't among them.
        """
        now = self._clock()
        return {
            one.platform: min(one.last_success_at, now) - self._after_us
            for one in await self._state.all()
            if one.job == LISTS_JOB and one.last_success_at is not None
        }
