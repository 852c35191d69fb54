"""Many markets' books at once, each given its own events."""

from collections.abc import Iterable

from exchange.messages.events import MarketCreated
from exchange.messages.execution import Execution
from exchange.projections.book_replay import TAKE, BookReplay, market_of


def markets_of(execution: Execution) -> set[int]:
    """Return the markets of which a command has events that a book is made from."""
    found = {market_of(event) for event in execution.events}
    return {market_id for market_id in found if market_id is not None}


class Books:
    """The books of those markets that are in memory, by id.

    A market that a command creates comes by itself; any other that it concerns must be there
    already: a KeyError names one that isn't.
    """

    __slots__ = ("by_market",)

    def __init__(self, books: Iterable[BookReplay] = ()) -> None:
        self.by_market: dict[int, BookReplay] = {book.market_id: book for book in books}

    def apply(self, execution: Execution) -> list[BookReplay]:
        """Take one command; return the books it concerned, in the order in which it came to them.

        Not every one of them has moved its seq: an order that waits isn't public.
        """
        begun: list[BookReplay] = []
        book: BookReplay | None = None
        for event in execution.events:
            take = TAKE.get(type(event))
            if take is None:
                continue
            market_id: int = event.market_id  # type: ignore[union-attr, assignment]
            if type(event) is MarketCreated:
                self.by_market[market_id] = BookReplay(market_id)
            if book is None or book.market_id != market_id:
                book = self.by_market[market_id]
                if book not in begun:
                    book.begin(execution.seq, execution.at)
                    begun.append(book)
            take(book, event)
        return begun
