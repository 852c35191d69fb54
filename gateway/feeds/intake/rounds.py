"""One round of a job over all venues, side by side, each on its own.

Laws: what fails at one venue is noted and said, and the others go on; a database that is away is no
venue's fault and fails the round. How each venue stands is in `feed_state`, for `/feed/status`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
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
        self._under_way: set[tuple[str, str]] = set()
        """(job, platform) of what is being done."""

    async def never_done(self, job: str) -> frozenset[str]:
        """Return the platforms of the venues at which a job has never ended well."""
        done = {
            one.platform
            for one in await self._state.all()
            if one.job == job and one.last_success_at is not None
        }
        return frozenset(self.venues) - done

    async def go(self, job: str, work: Work, platforms: Collection[str] | None = None) -> None:
        """Do the work at every venue, or at those of some platforms; raises what the database does.

        A venue where this process has it under way is left out.
        """
        venues = [
            venue
            for venue in self.venues.values()
            if (platforms is None or venue.platform in platforms)
            and (job, venue.platform) not in self._under_way
        ]
        begun = {(job, venue.platform) for venue in venues}
        self._under_way |= begun
        try:
            done = await asyncio.gather(
                *(self._at(venue, job, work) for venue in venues), return_exceptions=True
            )
        finally:
            self._under_way -= begun
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
