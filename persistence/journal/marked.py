"""Look the journal through by the names of events, where no table says which commands have them.

Laws: PostgreSQL searches the bytes, so that few are read; a call looks through so many batches at
most and says how far it came.
"""

from collections.abc import Sequence
from typing import Final

from persistence.postgres.database import Fetching

ROWS_LOOKED_THROUGH: Final = 2_000
ROWS_READ: Final = 20
"""A row may be a megabyte."""

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
    source: Fetching, begin: int, last: int, marks: Sequence[bytes]
) -> tuple[list[bytes], int]:
    """Return the payloads, oldest first, in which any of these marks stands, of the batches that
    hold commands from `begin` to `last`; and the command up to which these are all, at most `last`.
    """
    first = await source.fetchval(_FIRST_ROW, begin)
    bounds = first or 0, last, ROWS_LOOKED_THROUGH
    rows = await source.fetch(_MARKED, *bounds, marks, ROWS_READ)
    payloads = [row["payload"] for row in rows]
    if len(rows) == ROWS_READ:
        return payloads, min(rows[-1]["last_seq"], last)
    looked_at = await source.fetchval(_LAST_ROW, *bounds)
    return payloads, last if looked_at is None else min(looked_at, last)
