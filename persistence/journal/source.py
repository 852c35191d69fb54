"""Where batches are read from: the one place that knows that they lie in a table and in files.

Laws: the table is asked first, files only for what it lacks, so that whoever reads what is new does
as if there were none, and a batch that is moved meanwhile is found in one of the two; files hold
the beginning of the journal without a gap, and the newest batch is always in the table.
"""

from collections.abc import Sequence
from typing import Final

from persistence.journal.rows import COLUMNS, JournalRow
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import Fetching

_OLDEST: Final = "SELECT min(first_seq) FROM journal"


class JournalSource:
    """The journal as it is read; what it holds is `reader`'s and its neighbours' to ask for."""

    def __init__(self, tables: Fetching, segments: Segments | None = None) -> None:
        """Read over a connection or pool; without `segments` what was moved can't be read."""
        self.tables = tables
        self.segments = Segments(None) if segments is None else segments

    async def select(self, query: str, *arguments: object) -> list[JournalRow]:
        """Return what a query that ends in `FROM journal ...` finds in the table alone."""
        rows = await self.tables.fetch(f"SELECT {COLUMNS} {query}", *arguments)
        return [JournalRow(*row.values()) for row in rows]

    async def moved(
        self, found: Sequence[JournalRow], begin: int, end: int, limit: int | None = None
    ) -> list[JournalRow]:
        """Return the batches with commands from `begin` to `end` that the table lacks, having
        `found` these, if files have them.

        Raises SegmentUnreadable.
        """
        if found:
            end = min(end, found[0].first_seq - 1)
        if begin > end:
            return []
        await self.segments.reach(self.tables, end)
        rows = await self.segments.rows(begin, end, limit)
        # One that was moved between the two questions was found already.
        return [row for row in rows if row.last_seq <= end] if found else rows

    async def oldest(self) -> int:
        """Return the first command that the table holds; one behind all if it is empty."""
        found: int | None = await self.tables.fetchval(_OLDEST)
        if found is None:
            await self.segments.reach(self.tables, 1)
            return self.segments.last_seq + 1
        return found
