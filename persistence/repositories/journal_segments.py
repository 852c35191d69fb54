"""How much of the journal lies in files, as the database has it."""

from typing import Final

import msgspec

from persistence.postgres.database import Fetching

_TOTALS: Final = """
SELECT count(*), coalesce(sum(bytes), 0)::bigint, coalesce(max(last_seq), 0),
       coalesce(max(moved_at), 0)
  FROM journal_segments
"""


class Totals(msgspec.Struct, frozen=True):
    """All segments together; `moved_at` in microseconds since the Unix epoch, 0: never."""

    segments: int
    bytes: int
    last_seq: int
    moved_at: int


class SegmentTotals:
    """Sums the segments up, over a pool whose waits have an end."""

    def __init__(self, source: Fetching) -> None:
        self._source = source

    async def read(self) -> Totals:
        """Return what there is."""
        return Totals(*(await self._source.fetchrow(_TOTALS)).values())
