"""The table of what YES and NO of our markets are called, by slug.

Laws: names are stored before the command that lists the market, so that none is lost with an
answer; what is stored for a slug counts once there is a market of it, and never changes from then
on. One listing of a slug is under way at a time: another one's names don't come between. Times are
microseconds since the Unix epoch.
"""

import enum
from typing import Final

import msgspec

from persistence.postgres.database import DeadlinePool

# What is stored of a slug that has no market was of a listing that was lost, once it is old enough.
_CLAIM: Final = (
    "INSERT INTO market_outcomes AS kept (slug, yes_label, no_label, changed_at)"
    " SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM markets WHERE slug = $1)"
    " ON CONFLICT (slug) DO UPDATE SET yes_label = excluded.yes_label,"
    " no_label = excluded.no_label, changed_at = excluded.changed_at"
    " WHERE kept.changed_at <= $5 RETURNING slug"
)
_CHANGED: Final = (
    "SELECT slug, yes_label, no_label, changed_at FROM market_outcomes"
    " WHERE changed_at >= $1 AND (changed_at, slug) > ($1, $2)"
    " ORDER BY changed_at, slug LIMIT $3"
)


class Claim(enum.Enum):
    """What came of storing the names of a market to be listed."""

    STORED = enum.auto()
    LISTED = enum.auto()
    """There is a market of that slug: nothing was stored."""
    UNDER_WAY = enum.auto()
    """Somebody else is listing one of that slug: nothing was stored."""


class NamedOutcomes(msgspec.Struct, frozen=True):
    """What YES and NO of the market of a slug are called."""

    slug: str
    labels: tuple[str, str]
    changed_at: int


class MarketOutcomes:
    """Reads and writes the names."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def claim(self, named: NamedOutcomes, lost_before: int) -> Claim:
        """Store the names of a market that is listed next, in the place of what a listing of that
        slug left which was lost before a time.
        """
        row = await self._pool.fetchrow(
            _CLAIM, named.slug, *named.labels, named.changed_at, lost_before
        )
        if row is not None:
            return Claim.STORED
        is_listed = await self._pool.fetchval(
            "SELECT EXISTS (SELECT FROM markets WHERE slug = $1)", named.slug
        )
        return Claim.LISTED if is_listed else Claim.UNDER_WAY

    async def drop(self, named: NamedOutcomes) -> None:
        """Forget the names of a market that wasn't listed."""
        await self._pool.execute(
            "DELETE FROM market_outcomes WHERE slug = $1 AND changed_at = $2",
            *(named.slug, named.changed_at),
        )

    async def changed(self, after: tuple[int, str], limit: int) -> list[NamedOutcomes]:
        """Return what was stored behind a (time, slug), by these; at most `limit`."""
        rows = await self._pool.fetch(_CHANGED, *after, limit)
        return [NamedOutcomes(row[0], (row[1], row[2]), row[3]) for row in rows]
