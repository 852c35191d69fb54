"""The summaries of days as they are kept, for every process to give.

Laws: a day's is made once, and what is kept is never made otherwise; whoever makes one that is
there already changes nothing.
"""

from typing import Final

import msgspec

from persistence.exports.day_summary import (
    DayManifest,
    DaySummary,
    days_over,
    make_summary,
)
from persistence.exports.manifest import manifest_text
from persistence.postgres.database import DeadlinePool

_KEPT: Final = "SELECT day FROM daily_summaries WHERE day BETWEEN $1 AND $2"
_KEEP: Final = (
    "INSERT INTO daily_summaries (day, manifest, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
)
_PART: Final = "SELECT day, manifest FROM daily_summaries WHERE day < $1 ORDER BY day DESC LIMIT $2"
_ONE: Final = "SELECT manifest, body FROM daily_summaries WHERE day = $1"
_LATER_THAN_ALL: Final = 2**31 - 1
_decode: Final = msgspec.json.Decoder(DayManifest).decode


class KeptSummaries:
    """Makes, keeps and finds them."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def missing(self, most: int) -> list[int]:
        """Return days that are over and have none yet, the oldest first."""
        over = await days_over(self._pool)
        if not over:
            return []
        rows = await self._pool.fetch(_KEPT, over.start, over.stop - 1)
        kept = {row["day"] for row in rows}
        return [day for day in over if day not in kept][:most]

    async def make(self, day: int) -> DaySummary:
        """Make a day's and keep it; raises NotOver."""
        made = await make_summary(self._pool, day)
        await self._pool.execute(_KEEP, day, manifest_text(made.manifest), made.body)
        return made

    async def part(self, before: int | None, limit: int) -> list[tuple[int, DayManifest]]:
        """Return (day, manifest) of days before one, the latest first."""
        bound = _LATER_THAN_ALL if before is None else min(before, _LATER_THAN_ALL)
        rows = await self._pool.fetch(_PART, bound, limit)
        return [(row["day"], _decode(row["manifest"])) for row in rows]

    async def find(self, day: int) -> tuple[bytes, bytes] | None:
        """Return (manifest, file) of a day, letter for letter; None if there is none."""
        row = await self._pool.fetchrow(_ONE, day)
        return None if row is None else (row["manifest"], row["body"])
