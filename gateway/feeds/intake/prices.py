"""Prices: the most active open markets asked for again, oftener than whole lists are.

A market that its venue shows no more takes no place of theirs (`missing.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.feeds.intake.catalogue import Catalogue
from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.venue import Venue
from persistence.clock import now_us
from persistence.repositories.feeds.markets import VenueMarkets

JOB: Final = "market-prices"
BATCH: Final = 100


class Prices:
    """Keeps the prices of active markets young."""

    def __init__(
        self,
        rounds: Rounds,
        catalogue: Catalogue,
        markets: VenueMarkets,
        missing: Missing,
        limit: int,
    ) -> None:
        """Ask for at most `limit` markets of a venue."""
        self._rounds = rounds
        self._catalogue = catalogue
        self._markets = markets
        self._missing = missing
        self._limit = limit

    async def run(self) -> None:
        """Ask every venue for its most active markets."""
        bounds = await self._missing.bounds()

        async def refresh(venue: Venue) -> Mapping[str, Any]:
            since = bounds.get(venue.platform, 0)
            names = await self._markets.active(venue.platform, self._limit, seen_since=since)
            return await ask_again(venue, names, self._catalogue, self._markets)

        await self._rounds.go(JOB, refresh)


async def ask_again(
    venue: Venue, names: Sequence[str], catalogue: Catalogue, markets: VenueMarkets
) -> dict[str, int]:
    """Ask a venue for markets by its own ids, store what it says, and return the counts."""
    seen = changed = 0
    for start in range(0, len(names), BATCH):
        part = names[start : start + BATCH]
        at = now_us()
        page = await venue.some_markets(part)
        stored = await catalogue.store(venue.platform, page, at)
        await markets.asked(venue.platform, part, at)
        seen, changed = seen + stored.seen, changed + stored.inserted + stored.changed
    return {"asked": len(names), "seen": seen, "changed": changed}
