"""`pyorderbook`, with the making of its orders timed.

Its order is both what it is handed and the record that it keeps: a UUID drawn, a price made a
Decimal. The core makes its own records while it is timed, and so do the other peers; this is
`pyorderbook` by that measure, and the core is held to it. `pyorderbook_peer` leaves it out.
"""

from pyorderbook import book as implementation
from pyorderbook.book import Book
from pyorderbook.order import Order, Side

from benchmarks.loads.flow import Add, Cancel
from benchmarks.peers.pyorderbook_peer import SYMBOL, resting_levels
from benchmarks.peers.python_rounds import serve


class PyOrderBookInTime:
    """A book and what is done to it."""

    def __init__(self, flow: list[Add | Cancel]) -> None:
        self._book = Book()
        self._steps = [
            (step.id, Side.BID if step.buy else Side.ASK, step.price, step.quantity)
            if isinstance(step, Add)
            else (step.id,)
            for step in flow
        ]

    def run(self) -> None:
        """Make and match, or cancel."""
        match, cancel = self._book.match, self._book.cancel
        orders: dict[int, Order] = {}
        for step in self._steps:
            if len(step) == 1:
                cancel(orders.pop(step[0]))
            else:
                order_id, side, price, quantity = step
                orders[order_id] = order = Order(side, SYMBOL, price, quantity)
                match(order)

    def levels(self, *, buy: bool) -> list[tuple[int, int]]:
        """Return what rests."""
        return resting_levels(self._book, buy=buy)


if __name__ == "__main__":
    serve(PyOrderBookInTime, "pyorderbook", implementation)
