"""Read commands that lie scattered in the journal: one query for as many batches as hold them.

Laws: as `reader`'s. How large the batches are is told without reading them, so that whoever wants
many commands can take them in parts.
"""

from collections.abc import Sequence
from typing import Final

from persistence.errors import HistoryMismatch
from persistence.journal.rows import COLUMNS, JournalRow
from persistence.postgres.database import Fetching

_FIRST_OF: Final = (
    "SELECT (SELECT max(first_seq) FROM journal WHERE first_seq <= wanted.seq)"
    " FROM unnest($1::bigint[]) AS wanted (seq)"
)
"""The first command of the batch of each command that is asked for."""


async def rows_at(source: Fetching, seqs: Sequence[int]) -> list[JournalRow]:
    """Return the batches that hold commands with these sequences, each once, in order.

    Raises:
        HistoryMismatch: the journal doesn't hold one of them.
    """
    found = await source.fetch(
        f"SELECT {COLUMNS} FROM journal WHERE first_seq IN ({_FIRST_OF})"  # noqa: S608 - constants
        " ORDER BY first_seq",
        seqs,
    )
    rows = [JournalRow(*row.values()) for row in found]
    _require_held(seqs, [(row.first_seq, row.last_seq) for row in rows])
    return rows


async def row_sizes(source: Fetching, seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Return (last sequence, bytes of payload) of the batches that hold these commands, in order.

    No payload is read for it.

    Raises:
        HistoryMismatch: the journal doesn't hold one of them.
    """
    found = await source.fetch(
        "SELECT first_seq, last_seq, octet_length(payload) AS size FROM journal"  # noqa: S608
        f" WHERE first_seq IN ({_FIRST_OF}) ORDER BY first_seq",
        seqs,
    )
    _require_held(seqs, [(row["first_seq"], row["last_seq"]) for row in found])
    return [(row["last_seq"], row["size"]) for row in found]


def _require_held(seqs: Sequence[int], batches: Sequence[tuple[int, int]]) -> None:
    """Check that each of ascending sequences lies in one of ascending batches."""
    number = 0
    for seq in seqs:
        while number < len(batches) and batches[number][1] < seq:
            number += 1
        if number == len(batches) or seq < batches[number][0]:
            raise HistoryMismatch(f"the journal doesn't hold command {seq}")
