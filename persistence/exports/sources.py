"""Where an export's rows come from: tables, or the journal replayed from a checkpoint on.

Laws: all of an export is of one moment, that of the caller's transaction; rows come in order, a
few thousand at a time, so that memory doesn't grow with their number.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from exchange.messages.execution import Execution
from exchange.projections.book_replay import BookReplay
from exchange.projections.stored_books import load
from persistence.exports.kinds import COLUMNS, Export, Kind
from persistence.journal.codes import OUTCOME, SIDE, TRADE_KIND
from persistence.journal.reader import rows_between
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection
from persistence.repositories import past_books
from persistence.repositories.past_books import PastBooks, checkpoint_before

Row = tuple[Any, ...]
ROWS_AT_ONCE: Final = 1_000
"""So few that the database, which gives way to nobody, is done with them in a moment."""
_COMMANDS_AT_ONCE: Final = 1_000


def _word(column: str, codes: Mapping[Any, int]) -> str:
    """Return SQL for the word of a code."""
    cases = " ".join(f"WHEN {code} THEN '{_text(word)}'" for word, code in codes.items())
    return f"CASE {column} {cases} END"


def _text(word: Enum) -> str:
    return str(word.value)


_TRADES: Final = f"""
SELECT trade_no, market_seq, at, {_word("kind", TRADE_KIND)}, {_word("side", SIDE)},
       {_word("outcome", OUTCOME)}, price, yes_price, quantity
  FROM trades
 WHERE market_id = $1 AND trade_no > last_trade_until($1, $2::bigint - 1)
   AND trade_no <= last_trade_until($1, $3::bigint)
 ORDER BY trade_no
"""  # noqa: S608 - constants
_CANDLES: Final = f"""
SELECT {", ".join(column.name for column in COLUMNS[Kind.CANDLES])}
  FROM candles
 WHERE market_id = $1 AND span = $4 AND start BETWEEN $2 AND $3
 ORDER BY start
"""  # noqa: S608 - constants
_STRETCHES: Final = (
    "SELECT seq FROM book_checkpoints WHERE market_id = $1 AND seq > $2 ORDER BY seq"
)
_PROJECTED: Final = "SELECT last_seq FROM projection_state"
_LAST: Final = "SELECT last_seq FROM journal ORDER BY first_seq DESC LIMIT 1"


def query_of(export: Export) -> tuple[str, tuple[int, ...]] | None:
    """Return the query whose rows are the export; None if they are replayed."""
    if export.kind is Kind.TRADES:
        return _TRADES, (export.market_id, export.begin, export.end)
    if export.kind is Kind.CANDLES:
        return _CANDLES, (export.market_id, export.begin, export.end, export.span)
    return None


async def reached(connection: Connection, export: Export) -> int:
    """Return the command up to which all is in an export that begins now: candles are the
    projector's, which may be behind.
    """
    query = _PROJECTED if export.kind is Kind.CANDLES else _LAST
    return await connection.fetchval(query) or 0


async def count_of(connection: Connection, export: Export) -> int | None:
    """Return how many rows an export has; None where only replaying tells."""
    query = query_of(export)
    if query is None:
        return None
    count: int = await connection.fetchval(f"SELECT count(*) FROM ({query[0]}) AS one", *query[1])  # noqa: S608 - a constant
    return count


async def rows_of(
    connection: Connection, export: Export, segments: Segments
) -> AsyncIterator[list[Row]]:
    """Yield the rows of an export; the connection must be in a transaction."""
    query = query_of(export)
    if query is not None:
        cursor = await connection.cursor(query[0], *query[1])
        while found := await cursor.fetch(ROWS_AT_ONCE):
            yield [tuple(row.values()) for row in found]
        return
    make = _deltas if export.kind is Kind.DELTAS else _orders
    rows: list[Row] = []
    async for book in _moves(connection, export, segments):
        rows += make(book)
        if len(rows) >= ROWS_AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows


async def _moves(
    connection: Connection, export: Export, segments: Segments
) -> AsyncIterator[BookReplay]:
    """Yield the book after each command that changed the market's public state within the time."""
    stretch = await PastBooks(connection, segments).to_time(export.market_id, export.begin - 1)
    book = BookReplay(export.market_id) if stretch.book is None else load(stretch.book)
    book.log = []
    async for execution in _executions(JournalSource(connection, segments), export, stretch.after):
        if execution.at > export.end:
            return
        if book.apply(execution) and execution.at >= export.begin:
            yield book


async def _executions(
    journal: JournalSource, export: Export, after: int
) -> AsyncIterator[Execution]:
    """Yield the commands later than `after` that may concern the market, in order."""
    tables = journal.tables
    projected = await tables.fetchval(_PROJECTED)
    last = await tables.fetchval(_LAST) or 0
    # Between two of its checkpoints only the stretch before the later one concerns a market.
    changed = [row["seq"] for row in await tables.fetch(_STRETCHES, export.market_id, after)]
    stretches = [(seq - past_books.CHECKPOINT_EVERY, seq) for seq in changed]
    stretches.append((max(after, checkpoint_before(projected)), last))
    for begin, end in stretches:
        for start in range(begin, end, _COMMANDS_AT_ONCE):
            to = min(end, start + _COMMANDS_AT_ONCE)
            for row in await rows_between(journal, start, to):
                for execution in row.within(start, to):
                    yield execution


def _deltas(book: BookReplay) -> Iterable[Row]:
    bids, asks = book.changes()
    for price in sorted(bids, reverse=True):
        yield book.seq, book.at, "bid", price, bids[price]
    for price in sorted(asks):
        yield book.seq, book.at, "ask", price, asks[price]


def _orders(book: BookReplay) -> Iterable[Row]:
    for kind, number, is_bid, price, quantity, remaining, trade_no in book.log or ():
        side = "bid" if is_bid else "ask"
        yield book.seq, book.at, kind, number, side, price, quantity, remaining, trade_no
