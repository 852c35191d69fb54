"""Look the journal through by the names of events, where no table says which commands have them.

Laws: PostgreSQL searches the bytes, so that few are read, and a thread those of files; a call looks
through so many batches at most and says how far it came, the same wherever they lie.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from persistence.journal.rows import JournalRow
from persistence.journal.source import JournalSource

ROWS_LOOKED_THROUGH: Final = 2_000
ROWS_READ: Final = 20
"""A row may be a megabyte."""
_ROWS_AT_ONCE: Final = 100

_FIRST_ROW: Final = "SELECT max(first_seq) FROM journal WHERE first_seq <= $1"
_MARKED: Final = """
SELECT last_seq, payload
  FROM (SELECT first_seq, last_seq, payload FROM journal
         WHERE first_seq >= $1 AND first_seq <= $2 ORDER BY first_seq LIMIT $3) AS looked
 WHERE EXISTS (SELECT FROM unnest($4::bytea[]) AS mark WHERE position(mark in payload) > 0)
 ORDER BY first_seq LIMIT $5
"""
_LAST_ROW: Final = """
SELECT last_seq FROM journal WHERE first_seq >= $1 AND first_seq <= $2
 ORDER BY first_seq OFFSET $3 - 1 LIMIT 1
"""


def mark_of(kind: type) -> bytes:
    """Return what stands in a payload for an event of this kind."""
    return kind.__name__.encode("ascii")


async def marked_payloads(
    journal: JournalSource, begin: int, last: int, marks: Sequence[bytes]
) -> tuple[list[bytes], int]:
    """Return the payloads, oldest first, in which any of these marks stands, of the batches that
    hold commands from `begin` to `last`; and the command up to which these are all, at most `last`.

    Raises SegmentUnreadable.
    """
    payloads: list[bytes] = []
    looked = 0
    while True:
        async for row in _moved(journal, begin, last):
            looked, begin = looked + 1, row.last_seq + 1
            if any(mark in row.payload for mark in marks):
                payloads.append(row.payload)
            if looked == ROWS_LOOKED_THROUGH or len(payloads) == ROWS_READ:
                return payloads, min(row.last_seq, last)
        if begin > last:
            return payloads, last
        first = await journal.tables.fetchval(_FIRST_ROW, begin)
        bounds = first or begin, last, ROWS_LOOKED_THROUGH - looked
        rows = await journal.tables.fetch(_MARKED, *bounds, marks, ROWS_READ - len(payloads))
        looked_at = await journal.tables.fetchval(_LAST_ROW, *bounds)
        # What was moved between these questions may be in none of their answers.
        if not await journal.segments.reach(journal.tables, begin):
            break
    payloads += [row["payload"] for row in rows]
    if len(payloads) == ROWS_READ:
        return payloads, min(rows[-1]["last_seq"], last)
    return payloads, last if looked_at is None else min(looked_at, last)


async def _moved(journal: JournalSource, begin: int, last: int) -> AsyncIterator[JournalRow]:
    """Yield the batches with commands from `begin` to `last` that lie in files, some at a time."""
    while begin <= last and await journal.segments.reach(journal.tables, begin):
        rows = await journal.segments.rows(begin, last, _ROWS_AT_ONCE)
        for row in rows:
            yield row
        begin = rows[-1].last_seq + 1
