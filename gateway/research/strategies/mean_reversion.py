"""Goes against the price: sells what is far above its mean, buys what is far below.

The distance is measured in deviations of the price from its exponential mean (a z-score), so that
a market that moves much asks for a larger one.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from gateway.research.strategies.means import Means
from gateway.research.strategies.takes import move_to
from gateway.research.strategy import Book, Desk, Strategy


class MeanReversion(Strategy):
    """Gains where prices overshoot, and loses where news moved them."""

    title: ClassVar[str] = "Trade against a move away from the mean"

    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Quantities in 1/100 share."""

        memory_s: Annotated[float, Meta(gt=0, le=31_557_600)] = 900.0
        enter: Annotated[float, Meta(gt=0, le=20)] = 2.0
        """Deviations at which it takes a position."""
        leave: Annotated[float, Meta(ge=0, le=20)] = 0.5
        """Deviations at which it is flat again."""
        most: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 5_000
        """The largest position either way."""

    def __init__(self, desk: Desk, parameters: Parameters) -> None:
        super().__init__(desk, parameters)
        self._means = Means(parameters.memory_s)

    def on_book(self, book: Book) -> None:
        """Take, keep or leave a position."""
        if book.middle is None:
            return
        away = book.middle - self._means.add(book.market, book.at, book.middle)
        deviation = self._means.deviation(book.market)
        if deviation <= 0.0:
            return
        set_, score = self.parameters, away / deviation
        if score > set_.enter:
            move_to(self.desk, book, -set_.most)
        elif score < -set_.enter:
            move_to(self.desk, book, set_.most)
        elif abs(score) < set_.leave:
            move_to(self.desk, book, 0)
