"""One round of a job over all venues, side by side, each on its own.

Laws: what fails at one venue is noted and said, and the others go on; a database that is away is no
venue's fault and fails the round. How each venue stands is in `feed_state`, for `/feed/status`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.feeds.model import Unrepresentable
from gateway.feeds.venue import Venue, VenueRefused, VenueUnavailable
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.postgres.database import is_absence
from persistence.repositories.feeds.state import FeedState

Venues = Mapping[str, Venue]
"""By platform."""
Work = Callable[[Venue], Awaitable[Mapping[str, Any]]]
"""What is done at a venue; returns what is counted."""

_EXPECTED = (VenueUnavailable, VenueRefused, Unrepresentable)


class Rounds:
    """Goes over the venues."""

    def __init__(self, venues: Venues, state: FeedState, logger: Logger) -> None:
        self.venues = venues
        self._state = state
        self._logger = logger

    async def go(self, job: str, work: Work) -> None:
        """Do the work at every venue; raises what the database does."""
        done = await asyncio.gather(
            *(self._at(venue, job, work) for venue in self.venues.values()), return_exceptions=True
        )
        for result in done:
            if isinstance(result, BaseException):
                raise result

    async def _at(self, venue: Venue, job: str, work: Work) -> None:
        started = time.monotonic()
        try:
            counts = await work(venue)
        except _EXPECTED as error:
            self._logger.warning(
                "a venue's round failed", platform=venue.platform, job=job, reason=str(error)
            )
            await self._state.failed(venue.platform, job, now_us(), str(error))
            return
        except Exception as error:
            if is_absence(error):
                raise
            # A fault of ours at one venue is no reason to leave out the others.
            self._logger.exception(
                "a venue's round failed", platform=venue.platform, job=job, exc_info=error
            )
            await self._state.failed(venue.platform, job, now_us(), type(error).__name__)
            return
        took_ms = round((time.monotonic() - started) * 1_000)
        await self._state.succeeded(venue.platform, job, now_us(), took_ms, counts)
