"""`lightmatchingengine`: lists of orders by price in a dict a side, the best by `min` and `max`.

It numbers orders itself, in the order in which they come, as the flow does; it is handed numbers
and makes its orders itself. The last version that installs here is plain Python (older ones came
as Cython too); the figure's note says which one ran.
"""

from lightmatchingengine import lightmatchingengine as implementation
from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

from benchmarks.loads.flow import Add, Cancel
from benchmarks.peers.python_rounds import serve

_INSTRUMENT = "bench"


class LightBook:
    """A book and what is done to it."""

    def __init__(self, flow: list[Add | Cancel]) -> None:
        self._engine = LightMatchingEngine()
        self._steps = [
            (step.price, step.quantity, Side.BUY if step.buy else Side.SELL)
            if isinstance(step, Add)
            else (step.id,)
            for step in flow
        ]

    def run(self) -> None:
        """Add and cancel."""
        add, cancel = self._engine.add_order, self._engine.cancel_order
        for step in self._steps:
            if len(step) == 1:
                cancel(step[0], _INSTRUMENT)
            else:
                add(_INSTRUMENT, *step)

    def levels(self, *, buy: bool) -> list[tuple[int, int]]:
        """Return what rests."""
        book = self._engine.order_books[_INSTRUMENT]
        side = book.bids if buy else book.asks
        return [(price, sum(order.leaves_qty for order in level)) for price, level in side.items()]


if __name__ == "__main__":
    serve(LightBook, "lightmatchingengine", implementation)
