"""Follows the price: buys what has risen, sells what has fallen.

It compares the middle with an exponential mean of itself, as long a memory as `memory_s`. Beyond
`threshold` it takes the other side of the book, up to its largest position; when the price has come
back to the mean it goes flat.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from gateway.research.strategies.means import Means
from gateway.research.strategies.takes import move_to
from gateway.research.strategy import Book, Desk, Strategy


class Momentum(Strategy):
    """Gains while a move goes on, and pays the spread for every one that doesn't."""

    title: ClassVar[str] = "Follow a move away from the mean"

    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Prices in 1/10 000, quantities in 1/100 share."""

        memory_s: Annotated[float, Meta(gt=0, le=31_557_600)] = 600.0
        threshold: Annotated[int, Meta(ge=1, le=9_999)] = 200
        most: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 5_000
        """The largest position either way."""

    def __init__(self, desk: Desk, parameters: Parameters) -> None:
        super().__init__(desk, parameters)
        self._means = Means(parameters.memory_s)

    def on_book(self, book: Book) -> None:
        """Go with the price if it is far from its mean, flat if it is back."""
        if book.middle is None:
            return
        away = book.middle - self._means.add(book.market, book.at, book.middle)
        set_, net = self.parameters, self.desk.position(book.market).net
        if away > set_.threshold:
            move_to(self.desk, book, set_.most)
        elif away < -set_.threshold:
            move_to(self.desk, book, -set_.most)
        elif net * away < 0:
            move_to(self.desk, book, 0)
