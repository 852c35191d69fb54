"""Every market's book in memory, and what of it is stored: at every 2 500th
command (`checkpoint_before`) the book of each market that changed since the one before.

Laws: so the newest checkpoint of a market at or before such a command is its book as of it, and
what is stored depends on the journal alone, not on where the projector stopped. What came after the
last of them is in memory only: whoever starts reads it from the journal again, once.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from exchange.messages.execution import Execution
from exchange.projections.book_replay import BookReplay
from exchange.projections.books import Books
from exchange.projections.stored_books import dump, load
from persistence.errors import HistoryMismatch
from persistence.journal.reader import rows_between
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection, Fetching
from persistence.repositories.past_books import checkpoint_before

BOOKS_HELD: Final = 5_000
"""Where there are more, those that rest are dropped from memory when the others are stored."""

_NEWEST: Final = """
SELECT last.book FROM unnest($1::bigint[]) AS market (id),
       LATERAL (SELECT book FROM book_checkpoints WHERE market_id = market.id AND seq <= $2
                 ORDER BY seq DESC LIMIT 1) AS last
"""
_STORE: Final = (
    "INSERT INTO book_checkpoints (market_id, seq, market_seq, at, book)"
    " VALUES ($1, $2, $3, $4, $5)"
)


class BookProjection:
    """Implements `Projection`; those that build on books come after it."""

    def __init__(self) -> None:
        self._books = Books()
        self._changed: dict[int, BookReplay] = {}
        """Those that are no longer what is stored of them, or will be."""
        self._checkpoints: list[tuple[int, int, int, int, bytes]] = []
        self._begun = False

    def best(self, market_id: int) -> tuple[int, int]:
        """Return a market's (best bid, best ask) after the command applied last; 0 for none.

        It must be one that the commands prepared for name.
        """
        book = self._books.by_market[market_id]
        return book.bids.best or 0, book.asks.best or 0

    def market_seq(self, market_id: int) -> int:
        """Return a market's seq after the command applied last; it must be named likewise."""
        return self._books.by_market[market_id].seq

    async def prepare(self, journal: JournalSource, executions: Sequence[Execution]) -> None:
        """Load the books of the markets that are named and aren't held."""
        reached = executions[0].seq - 1
        if not self._begun:
            await self._begin(journal, reached)
        await self._load(journal.tables, checkpoint_before(reached), _named(executions))

    def apply(self, execution: Execution) -> None:
        """Take one command."""
        for book in self._books.apply(execution):
            self._changed[book.market_id] = book
        if execution.seq == checkpoint_before(execution.seq):
            for book in self._changed.values():
                self._checkpoints.append(
                    (book.market_id, execution.seq, book.seq, book.at, dump(book))
                )
            self._changed.clear()

    async def store(self, connection: Connection) -> None:
        """Write the checkpoints that were passed."""
        if not self._checkpoints:
            return
        await connection.executemany(_STORE, self._checkpoints)
        self._checkpoints.clear()
        if len(self._books.by_market) > BOOKS_HELD:
            self._books = Books(self._changed.values())

    def forget(self) -> None:
        """Drop all memory."""
        self._books = Books()
        self._changed.clear()
        self._checkpoints.clear()
        self._begun = False

    async def erase(self, connection: Connection) -> None:
        """Empty the table."""
        await connection.execute("TRUNCATE book_checkpoints")

    async def _begin(self, journal: JournalSource, reached: int) -> None:
        """Make the books again that changed since the last checkpoint, up to `reached`."""
        begin = checkpoint_before(reached)
        rows = await rows_between(journal, begin, reached)
        since = [execution for row in rows for execution in row.within(begin, reached)]
        if len(since) != reached - begin:
            raise HistoryMismatch(f"the journal lacks commands between {begin} and {reached}")
        await self._load(journal.tables, begin, _named(since))
        for execution in since:
            for book in self._books.apply(execution):
                self._changed[book.market_id] = book
        self._begun = True

    async def _load(self, tables: Fetching, seq: int, named: Iterable[int]) -> None:
        missing = [market_id for market_id in named if market_id not in self._books.by_market]
        if missing:
            for row in await tables.fetch(_NEWEST, missing, seq):
                book = load(row["book"])
                self._books.by_market[book.market_id] = book


def _named(executions: Iterable[Execution]) -> set[int]:
    """Return the markets that the events of commands name, for their books or for anything else."""
    return {
        market_id
        for execution in executions
        for event in execution.events
        if (market_id := getattr(event, "market_id", None)) is not None
    }
