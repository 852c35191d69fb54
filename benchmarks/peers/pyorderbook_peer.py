"""`pyorderbook`: a heap of price levels, each a dict of orders by UUID.

Its orders are objects of its own that matching changes, so they are made anew for each round,
outside the timed part; an order is matched and cancelled by handing that object over. That favours
it, since the others make their records while they are timed: `pyorderbook_in_time_peer` is the
other way round. Its logging is off below INFO by itself.
"""

from typing import TYPE_CHECKING

from pyorderbook import book as implementation
from pyorderbook.book import Book
from pyorderbook.order import Order, Side

from benchmarks.loads.flow import Add, Cancel
from benchmarks.peers.python_rounds import serve

if TYPE_CHECKING:
    from collections.abc import Callable

SYMBOL = "bench"


class PyOrderBook:
    """A book and what is done to it."""

    def __init__(self, flow: list[Add | Cancel]) -> None:
        self._book = Book()
        orders: dict[int, Order] = {}
        self._steps: list[tuple[Callable[[Order], object], Order]] = []
        for step in flow:
            if isinstance(step, Add):
                side = Side.BID if step.buy else Side.ASK
                orders[step.id] = Order(side, SYMBOL, step.price, step.quantity)
                self._steps.append((self._book.match, orders[step.id]))
            else:
                self._steps.append((self._book.cancel, orders[step.id]))

    def run(self) -> None:
        """Match and cancel."""
        for act, order in self._steps:
            act(order)

    def levels(self, *, buy: bool) -> list[tuple[int, int]]:
        """Return what rests."""
        return resting_levels(self._book, buy=buy)


def resting_levels(book: Book, *, buy: bool) -> list[tuple[int, int]]:
    """Return what rests; a level that cancels emptied stays in the book, without orders."""
    levels = book.level_map[SYMBOL][Side.BID if buy else Side.ASK]
    return [
        (int(price), sum(order.quantity for order in level.orders.values()))
        for price, level in levels.items()
        if level.orders
    ]


if __name__ == "__main__":
    serve(PyOrderBook, "pyorderbook", implementation)
