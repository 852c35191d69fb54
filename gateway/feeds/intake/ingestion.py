"""Ingestion: whatever a venue lists, page by page, into the catalogue.

Laws: a pass begins at the beginning and repeats nothing worth repeating, so it may be ended
anywhere; a venue whose cursors go in a circle, or never end, is noticed; no pass takes more than
its limit of markets.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from gateway.feeds.intake.catalogue import Catalogue
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.venue import Venue, VenueUnavailable
from persistence.clock import now_us
from persistence.repositories.feeds.markets import VenueMarkets

JOB: Final = "market-ingest"
UNREAD_JOB: Final = "market-ingest-unread"
PAGES_MAX: Final = 5_000
_MANY: Final = 500
"""So many new markets change what the planner should know."""
EMPTY_PAGES_MAX: Final = 20
"""So many pages in a row without a market are taken for a venue that has lost its way."""


class Ingestion:
    """Lists every venue."""

    def __init__(
        self, rounds: Rounds, catalogue: Catalogue, markets: VenueMarkets, limit: int
    ) -> None:
        """Take at most `limit` markets of a venue in a pass."""
        self._rounds = rounds
        self._catalogue = catalogue
        self._markets = markets
        self._limit = limit

    async def run(self) -> bool:
        """Go over every venue's whole list of live markets; say whether there is one that was never
        read to its end.
        """
        await self._rounds.go(JOB, self._list)
        return bool(await self._rounds.never_done(JOB))

    async def run_unread(self) -> bool:
        """Go over the lists that were never read to their end; say whether there still is one."""
        await self._rounds.go(JOB, self._list, await self._rounds.never_done(JOB))
        return bool(await self._rounds.never_done(JOB))

    async def _list(self, venue: Venue) -> Mapping[str, Any]:
        cursor: str | None = None
        asked: set[str | None] = set()
        refused: Counter[str] = Counter()
        seen = inserted = changed = empty = 0
        while True:
            if cursor in asked or len(asked) >= PAGES_MAX or empty >= EMPTY_PAGES_MAX:
                raise VenueUnavailable(venue.platform, "its list has no end: a circle of cursors")
            asked.add(cursor)
            at = now_us()
            page = await venue.markets(cursor, live_only=True)
            stored = await self._catalogue.store(venue.platform, page, at)
            seen, inserted = seen + stored.seen, inserted + stored.inserted
            changed += stored.changed
            refused.update(stored.refused)
            empty = 0 if page.markets or page.refused else empty + 1
            cursor = page.next_cursor
            is_cut = cursor is not None and seen >= self._limit
            if cursor is None or is_cut:
                if inserted >= _MANY:
                    await self._markets.learn()
                return {
                    "seen": seen,
                    "inserted": inserted,
                    "changed": changed,
                    "pages": len(asked),
                    "isCut": is_cut,
                    "refused": dict(refused),
                }
