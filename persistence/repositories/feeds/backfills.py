"""What markets of other venues were worth before anybody here looked, as their venues tell it.

Laws: a market is filled back once, by one statement that notes it, too (its tip of the source
BACKFILL), so that a second writer adds nothing; all of it lies before the market's first snapshot.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from persistence.postgres.database import DeadlinePool
from persistence.repositories.feeds.snapshots import BACKFILL, Snapshots, micros_of, time_of

_PENDING: Final = """
SELECT m.id, m.external_id,
       (SELECT s.at FROM market_snapshots s WHERE s.market_id = m.id ORDER BY s.at, s.id LIMIT 1)
  FROM venue_watches w JOIN venue_markets m ON m.id = w.market_id
 WHERE m.platform = $1 AND w.until > $2 AND NOT EXISTS (
       SELECT FROM snapshot_tips t WHERE t.market_id = m.id AND t.source = $3)
 ORDER BY w.until DESC, m.id LIMIT $4
"""
_FILL: Final = """
WITH tip AS (
    INSERT INTO snapshot_tips (market_id, source, sequence, digest, at)
    VALUES ($1, $2, cardinality($3::timestamptz[]), '', $5)
        ON CONFLICT (market_id, source) DO NOTHING RETURNING market_id
)
INSERT INTO market_snapshots (market_id, source, sequence, at, venue_at, yes_price)
SELECT tip.market_id, $2, g.number, g.at, g.at, g.price
  FROM tip, unnest($3::timestamptz[], $4::smallint[]) WITH ORDINALITY AS g(at, price, number)
"""


class Pending(msgspec.Struct, frozen=True, gc=False):
    """A watched market that wasn't filled back; when its first snapshot was taken, if one was."""

    market_id: int
    external_id: str
    first_at: int | None


class Backfills:
    """Reads and writes what was before."""

    def __init__(self, pool: DeadlinePool, snapshots: Snapshots) -> None:
        self._pool = pool
        self._snapshots = snapshots

    async def pending(self, platform: str, now: int, limit: int) -> list[Pending]:
        """Return watched markets of a venue that weren't filled back, those watched last first."""
        rows = await self._pool.fetch(_PENDING, platform, now, BACKFILL, limit)
        return [
            Pending(number, name, None if first is None else micros_of(first))
            for number, name, first in rows
        ]

    async def fill(self, market_id: int, points: Sequence[tuple[int, int]]) -> int:
        """Write (time, price of YES) down, oldest first, and return how many rows that made.

        None are written if the market was filled back before; without points it is only noted.
        """
        times = [time_of(at) for at, _ in points]
        prices = [price for _, price in points]
        last = time_of(points[-1][0] if points else 0)
        return await self._snapshots.write(times, _FILL, market_id, BACKFILL, times, prices, last)
