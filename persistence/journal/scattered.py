"""Read commands that lie scattered in the journal: one query for as many batches as hold them.

Laws: as `reader`'s, files included. How large the batches are is told without reading them, so
that whoever wants many commands can take them in parts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from persistence.errors import HistoryMismatch
from persistence.journal.rows import JournalRow
from persistence.journal.source import JournalSource

_FIRST_OF: Final = (
    "SELECT (SELECT max(first_seq) FROM journal WHERE first_seq <= wanted.seq)"
    " FROM unnest($1::bigint[]) AS wanted (seq)"
)
"""The first command of the batch of each command that is asked for."""


async def rows_at(journal: JournalSource, seqs: Sequence[int]) -> list[JournalRow]:
    """Return the batches that hold commands with these sequences, each once, in order.

    Raises:
        HistoryMismatch: the journal doesn't hold one of them.
        SegmentUnreadable: it lies in a file that can't be read.
    """
    rows = await journal.select(
        f"FROM journal WHERE first_seq IN ({_FIRST_OF}) ORDER BY first_seq", seqs
    )
    older = await _moved(journal, seqs, rows[0].first_seq if rows else None)
    if older:
        rows = await journal.segments.rows_at(older) + rows
    _require_held(seqs, [(row.first_seq, row.last_seq) for row in rows])
    return rows


async def row_sizes(journal: JournalSource, seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Return (last sequence, bytes of payload) of the batches that hold these commands, in order.

    No payload is read for it.

    Raises:
        HistoryMismatch: the journal doesn't hold one of them.
        SegmentUnreadable: it lies in a file that can't be read.
    """
    found = await journal.tables.fetch(
        "SELECT first_seq, last_seq, octet_length(payload) AS size FROM journal"  # noqa: S608 - names of ours
        f" WHERE first_seq IN ({_FIRST_OF}) ORDER BY first_seq",
        seqs,
    )
    sizes = [(row["first_seq"], row["last_seq"], row["size"]) for row in found]
    older = await _moved(journal, seqs, sizes[0][0] if sizes else None)
    if older:
        sizes = await journal.segments.sizes_at(older) + sizes
    _require_held(seqs, [(first, last) for first, last, _ in sizes])
    return [(last, size) for _, last, size in sizes]


async def _moved(journal: JournalSource, seqs: Sequence[int], oldest: int | None) -> Sequence[int]:
    """Return those of some commands that lie in files, if the table has them from `oldest` on."""
    end = len(seqs) if oldest is None else bisect_left(seqs, oldest)
    older = seqs[:end]
    if older and await journal.segments.reach(journal.tables, older[-1]):
        return older
    return older[: bisect_right(older, journal.segments.last_seq)]


def _require_held(seqs: Sequence[int], batches: Sequence[tuple[int, int]]) -> None:
    """Check that each of ascending sequences lies in one of ascending batches."""
    number = 0
    for seq in seqs:
        while number < len(batches) and batches[number][1] < seq:
            number += 1
        if number == len(batches) or seq < batches[number][0]:
            raise HistoryMismatch(f"the journal doesn't hold command {seq}")
