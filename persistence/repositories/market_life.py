"""A market's life from its creation on: from the table as far as the projector has come, and behind
that from the journal itself.

Laws: oldest first, each change once, wherever the projector stands and however it goes on between
two pages. Behind the projector the journal's rows are looked through by the names of the events,
so many of them for one page at most: it may be short, or empty, before the end. What is found there
has no `market_seq` yet.
"""

from typing import Final

import msgspec

from exchange.projections.lifecycle import TOLD, LifeChange, life_changes
from persistence.journal.marked import mark_of, marked_payloads
from persistence.journal.rows import executions_with
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Fetching

NUMBER_MAX: Final = 2**15 - 1
"""No command does as much."""

Place = tuple[int, int]
"""(command, number within it): where a change lies in a market's life."""

_MARKS: Final = [mark_of(kind) for kind in TOLD]
_decode: Final = msgspec.msgpack.Decoder(LifeChange).decode

# The progress is read with what it covers: a projector that goes on meanwhile adds nothing here.
_STORED: Final = """
SELECT state.last_seq, life.seq, life.number, life.at, life.market_seq, life.change
  FROM projection_state AS state
  LEFT JOIN LATERAL (
       SELECT seq, number, at, market_seq, change FROM market_life
        WHERE market_id = $1 AND (seq, number) > ($2, $3) AND seq <= state.last_seq AND seq <= $4
        ORDER BY seq, number LIMIT $5) AS life ON true
 ORDER BY life.seq, life.number
"""


class LifeMoment(msgspec.Struct, frozen=True):
    """One change, by the command `seq`; `at` in microseconds since the epoch.

    `market_seq` is the market's after it; None: the projector hasn't come to it yet.
    """

    seq: int
    number: int
    at: int
    market_seq: int | None
    change: LifeChange


class MarketLives:
    """The lives of our markets."""

    def __init__(self, source: Fetching, segments: Segments | None = None) -> None:
        """Ask there; `segments` as `JournalSource`."""
        self._source = source
        self._journal = JournalSource(source, segments)

    async def part(
        self, market_id: int, after: Place | None, until: int, limit: int
    ) -> tuple[list[LifeMoment], Place | None]:
        """Return at most `limit` changes of a market behind `after`, of commands up to `until`, and
        the place to go on from; None at the end.
        """
        bounds = after or (0, NUMBER_MAX)
        rows = await self._source.fetch(_STORED, market_id, *bounds, until, limit + 1)
        found = [
            LifeMoment(seq, number, at, market_seq, _decode(change))
            for _, seq, number, at, market_seq, change in (row.values() for row in rows)
            if seq is not None
        ]
        stored_until = rows[0]["last_seq"] if rows else 0
        if len(found) <= limit and stored_until < until:
            begin = max(bounds, (stored_until, NUMBER_MAX))
            more, looked_until = await self._unstored(market_id, begin, until)
            found += more
            if looked_until < until and len(found) <= limit:
                return found, (looked_until, NUMBER_MAX)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], (last.seq, last.number)

    async def _unstored(
        self, market_id: int, after: Place, until: int
    ) -> tuple[list[LifeMoment], int]:
        """Return changes behind a place that the journal alone has, and up to which command these
        are all.
        """
        seq, number = after
        begin = seq + 1 if number == NUMBER_MAX else seq
        payloads, looked_until = await marked_payloads(self._journal, begin, until, _MARKS)
        found: list[LifeMoment] = []
        for payload in payloads:
            found += _moments(payload, market_id, after, until)
        return found, looked_until


def _moments(payload: bytes, market_id: int, after: Place, until: int) -> list[LifeMoment]:
    return [
        LifeMoment(one.seq, number, one.at, None, change)
        for one in executions_with(payload, _MARKS)
        if one.seq <= until
        for number, change in enumerate(life_changes(one))
        if change.market_id == market_id and (one.seq, number) > after
    ]
