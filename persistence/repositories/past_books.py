"""Where a look into a market's past begins: the book that is stored before it, and the commands
from there on.

    checkpoints    B0 ────────── B1 ────────── B2           every 2 500 commands, of each market
    asked for                          x                    that changed since the one before
    replayed                     B0 -> ~~~~~                the stretch before B2 that changed it

Laws: a market that changed has a checkpoint at the next multiple of `CHECKPOINT_EVERY`, so a change
lies in the stretch before the first checkpoint that knows of it, and none lies between the stretch
and the checkpoint before: one stretch is enough. Only what the projector hasn't come to yet is
looked for beyond the last checkpoint, and no further than `REPLAYED_MOST` commands. Nothing is
decoded or replayed here. Times are microseconds since the Unix epoch.
"""

from typing import Any, Final

import msgspec

from persistence.journal.reader import rows_between
from persistence.journal.rows import JournalRow
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Fetching

CHECKPOINT_EVERY: Final = 2_500
REPLAYED_MOST: Final = 5_000
"""Commands that a look into the past replays."""

_REACHED: Final = "(SELECT last_seq FROM projection_state)"
_BY_SEQ: Final = f"""
SELECT {_REACHED} AS reached, base.seq, base.market_seq, base.book,
       (SELECT seq FROM book_checkpoints WHERE market_id = $1 AND market_seq > $2
         ORDER BY market_seq, seq LIMIT 1) AS following
  FROM (SELECT) AS one LEFT JOIN LATERAL
       (SELECT seq, market_seq, book FROM book_checkpoints
         WHERE market_id = $1 AND market_seq <= $2
         ORDER BY market_seq DESC, seq DESC LIMIT 1) AS base ON true
"""  # noqa: S608 - a constant
_BY_TIME: Final = f"""
SELECT {_REACHED} AS reached, base.seq, base.market_seq, base.book,
       (SELECT seq FROM book_checkpoints WHERE market_id = $1 AND at > $2
         ORDER BY at, seq LIMIT 1) AS following
  FROM (SELECT) AS one LEFT JOIN LATERAL
       (SELECT seq, market_seq, book FROM book_checkpoints WHERE market_id = $1 AND at <= $2
         ORDER BY at DESC, seq DESC LIMIT 1) AS base ON true
"""  # noqa: S608 - a constant


class Stretch(msgspec.Struct, frozen=True):
    """A market's book as it is stored (None: it wasn't there yet), and the batches from there on.

    Of these only the commands later than `after`, up to `to`, are meant. With `at_end` there are no
    later ones in the journal.
    """

    market_id: int
    book: bytes | None
    rows: list[JournalRow]
    after: int
    to: int
    at_end: bool


def checkpoint_before(seq: int) -> int:
    """Return the last command at or before `seq` after which books are stored."""
    return seq // CHECKPOINT_EVERY * CHECKPOINT_EVERY


class PastBooks:
    """Finds stretches, over a pool whose waits have an end."""

    def __init__(self, source: Fetching, segments: Segments | None = None) -> None:
        """Ask there; `segments` as `JournalSource`."""
        self._source = source
        self._journal = JournalSource(source, segments)

    async def to_seq(self, market_id: int, market_seq: int) -> Stretch:
        """Return the stretch in which a market came to be as of its seq, which it has come to."""
        found = await self._source.fetchrow(_BY_SEQ, market_id, market_seq)
        if found["market_seq"] == market_seq:
            # A later checkpoint may know of orders that wait, but of no other public state.
            seq = found["seq"]
            return Stretch(market_id, found["book"], [], seq, seq, at_end=False)
        return await self._stretch(market_id, found, found["following"])

    async def to_time(self, market_id: int, at: int) -> Stretch:
        """Return the stretch in which a market came to be as it was at a time."""
        found = await self._source.fetchrow(_BY_TIME, market_id, at)
        return await self._stretch(market_id, found, found["following"])

    async def from_seq(self, market_id: int, market_seq: int) -> Stretch:
        """Return the stretch that begins before what followed on a market's seq, as long as may be
        replayed.
        """
        found = await self._source.fetchrow(_BY_SEQ, market_id, market_seq)
        return await self._stretch(market_id, found, None)

    async def _stretch(self, market_id: int, found: Any, to: int | None) -> Stretch:  # noqa: ANN401 - asyncpg's own Record
        following = found["following"]
        if following is None:
            after = checkpoint_before(found["reached"])
        else:
            after = following - CHECKPOINT_EVERY
        to = after + REPLAYED_MOST if to is None else to
        rows = await rows_between(self._journal, after, to)
        at_end = not rows or rows[-1].last_seq < to
        return Stretch(market_id, found["book"], rows, after, to, at_end)
