"""Resolutions: markets whose end may have come are asked for, until the venue says how they ended.

Those past their close time, those that are closed, and those that the lists of live markets don't
show any more; whoever wasn't asked for longest comes first, so no market keeps the others waiting,
and one that its venue doesn't answer for is asked for ever more rarely (`missing.py`).
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.feeds.intake.catalogue import Catalogue
from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.prices import ask_again
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.venue import Venue
from gateway.observability.metrics import CatalogueMetrics
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.markets import VenueMarkets

JOB: Final = "market-resolutions"
MARKETS_MAX: Final = 200
"""Of a venue in one round."""
_AGAIN_S: Final = 45
_UNSEEN_S: Final = 1_800
"""So long after its last sighting a market is taken for gone from the list."""


class Resolutions:
    """Finds out how markets ended."""

    def __init__(
        self,
        rounds: Rounds,
        catalogue: Catalogue,
        markets: VenueMarkets,
        missing: Missing,
        metrics: CatalogueMetrics,
    ) -> None:
        self._rounds = rounds
        self._catalogue = catalogue
        self._markets = markets
        self._missing = missing
        self._metrics = metrics

    async def run(self) -> None:
        """Ask every venue for what may have ended there."""
        bounds = await self._missing.bounds()

        async def check(venue: Venue) -> Mapping[str, Any]:
            return await self._check(venue, bounds.get(venue.platform, 0))

        await self._rounds.go(JOB, check)

    async def _check(self, venue: Venue, seen_since: int) -> Mapping[str, Any]:
        now = now_us()
        names = await self._markets.due(
            venue.platform,
            now=now,
            unseen_since=now - _UNSEEN_S * MICROSECONDS,
            not_since=now - _AGAIN_S * MICROSECONDS,
            limit=MARKETS_MAX,
        )
        counts = await ask_again(venue, names, self._catalogue, self._markets)
        missing = await self._markets.missing(venue.platform, seen_since)
        self._metrics.missing(venue.platform, missing)
        return counts | {"missing": missing}
