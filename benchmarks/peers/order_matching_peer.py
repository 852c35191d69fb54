"""`order-matching`: lists of orders, sorted by time again at every change.

It has no call that takes one order and matches it: `place` puts orders in and `match` takes them
out again and matches them one by one, so each order is placed and matched by itself, as somebody
must who wants to know what came of it before the next. An order is searched for through the whole
book, which makes it slower the more rests: it gets only the beginning of the flow. Orders are made
outside the timed part; its logging, which would write several lines for each order, is off.
"""

from datetime import datetime, timedelta

from loguru import logger
from order_matching import matching_engine as implementation
from order_matching.enums import Side
from order_matching.matching_engine import MatchingEngine
from order_matching.order import LimitOrder
from order_matching.orders import Orders

from benchmarks.loads.flow import Add, Cancel
from benchmarks.peers.python_rounds import serve

_START = datetime(2025, 1, 1)  # noqa: DTZ001 - it compares with its own datetime.max, without a zone


class SortedLists:
    """A book and what is done to it."""

    def __init__(self, flow: list[Add | Cancel]) -> None:
        self._engine = MatchingEngine(seed=1)
        self._steps = [
            LimitOrder(
                side=Side.BUY if step.buy else Side.SELL,
                price=step.price,
                size=step.quantity,
                timestamp=_START + timedelta(microseconds=number),
                order_id=str(step.id),
                trader_id="bench",
            )
            if isinstance(step, Add)
            else str(step.id)
            for number, step in enumerate(flow)
        ]

    def run(self) -> None:
        """Place and match, or cancel."""
        place, match, cancel = self._engine.place, self._engine.match, self._engine.cancel_order
        for step in self._steps:
            if isinstance(step, str):
                cancel(step)
            else:
                place(Orders([step]))
                match(step.timestamp)

    def levels(self, *, buy: bool) -> list[tuple[int, int]]:
        """Return what rests."""
        book = self._engine.unprocessed_orders
        return [
            (int(price), int(size)) for price, size in (book.bids_depth if buy else book.asks_depth)
        ]


if __name__ == "__main__":
    logger.remove()
    serve(SortedLists, "order-matching", implementation)
