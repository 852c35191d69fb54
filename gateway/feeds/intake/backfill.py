"""What a market was worth before somebody here looked at it: once, from its venue's own past.

Laws: only what is watched is asked for, each market once and a bounded number in a run; nothing is
written over what was seen here. A market whose venue tells nothing of it is noted and left; a venue
that is away is asked again with the next run.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.model import PricePoint, Unrepresentable, VenueMarket
from gateway.feeds.venue import Venue, VenueRefused
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.backfills import Backfills, Pending
from persistence.repositories.feeds.snapshots import DAY, HOUR, Snapshots

JOB: Final = "snapshot-backfill"
MARKETS_AT_ONCE: Final = 20
"""So many of a venue in a run: each costs one request, or a few."""
_INTERVAL_S: Final = HOUR
_POINTS_MAX: Final = 5_000


class Backfill:
    """Fills watched markets back."""

    def __init__(
        self, rounds: Rounds, backfills: Backfills, snapshots: Snapshots, *, back_s: int
    ) -> None:
        """Look `back_s` seconds back."""
        self._rounds = rounds
        self._backfills = backfills
        self._snapshots = snapshots
        self._back_us = back_s * MICROSECONDS

    async def run(self) -> None:
        """Fill back what is watched and wasn't yet."""
        await self._rounds.go(JOB, self._fill)

    async def _fill(self, venue: Venue) -> Mapping[str, Any]:
        now = now_us()
        pending = await self._backfills.pending(venue.platform, now, MARKETS_AT_ONCE)
        if not pending:
            return {"asked": 0, "written": 0}
        page = await venue.some_markets([one.external_id for one in pending])
        listed = {market.external_id: market for market in page.markets}
        written = 0
        for one in pending:
            points = await self._points(venue, listed.get(one.external_id), one, now)
            rows = await self._backfills.fill(one.market_id, points)
            if rows:
                day = DAY * MICROSECONDS
                since = points[0][0] // day * day
                await self._snapshots.roll_up(since, now, one.market_id)
            written += rows
        return {"asked": len(pending), "written": written}

    async def _points(
        self, venue: Venue, market: VenueMarket | None, one: Pending, now: int
    ) -> list[tuple[int, int]]:
        """Return (time, price) of where the price changed before the first snapshot."""
        if market is None:
            return []
        start, end = now - self._back_us, now if one.first_at is None else one.first_at
        try:
            told = await venue.history(market, start, end, _INTERVAL_S)
        except (VenueRefused, Unrepresentable):
            return []
        return changes(told, start, end)


def changes(told: Sequence[PricePoint], start: int, end: int) -> list[tuple[int, int]]:
    """Return (time, price) of [start, end) where the price isn't the one before, oldest first.

    Of more than a few thousand points the newest count.
    """
    found: list[tuple[int, int]] = []
    for point in sorted(told, key=lambda one: one.at)[-_POINTS_MAX:]:
        if start <= point.at < end and (not found or found[-1][1] != point.yes_price):
            found.append((point.at, point.yes_price))
    return found
