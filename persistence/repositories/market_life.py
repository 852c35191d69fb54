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
from persistence.journal.rows import executions_with
from persistence.postgres.database import Fetching

ROWS_LOOKED_THROUGH: Final = 2_000
ROWS_READ: Final = 20
"""A row may be a megabyte."""
NUMBER_MAX: Final = 2**15 - 1
"""No command does as much."""

Place = tuple[int, int]
"""(command, number within it): where a change lies in a market's life."""

_MARKS: Final = tuple(kind.__name__.encode("ascii") for kind in TOLD)
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

    def __init__(self, source: Fetching) -> None:
        self._source = source

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
        first = await self._source.fetchval(_FIRST_ROW, begin)
        bounds = first or 0, until, ROWS_LOOKED_THROUGH
        rows = await self._source.fetch(_MARKED, *bounds, _MARKS, ROWS_READ)
        found: list[LifeMoment] = []
        for row in rows:
            found += _moments(row["payload"], market_id, after, until)
        if len(rows) == ROWS_READ:
            return found, min(rows[-1]["last_seq"], until)
        looked_until = await self._source.fetchval(_LAST_ROW, *bounds)
        return found, until if looked_until is None else min(looked_until, until)


def _moments(payload: bytes, market_id: int, after: Place, until: int) -> list[LifeMoment]:
    executions = {one.seq: one for mark in _MARKS for one in executions_with(payload, mark)}
    return [
        LifeMoment(seq, number, executions[seq].at, None, change)
        for seq in sorted(executions)
        if seq <= until
        for number, change in enumerate(life_changes(executions[seq]))
        if change.market_id == market_id and (seq, number) > after
    ]
