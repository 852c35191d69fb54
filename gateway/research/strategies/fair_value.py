"""Bets on its own opinion of a chance, as much of its means as Kelly's rule says, or a part of it.

The opinion is a slow mean of the middle, drawn towards one half by `doubt`, unless `chance` states
one. For a share that costs c and is worth p the rule is to hold (p - c) / (1 - c) of the
equity in it (Kelly, "A New Interpretation of Information Rate", Bell System Technical Journal 35,
1956); `fraction` of that is held, since an opinion is less sure than a chance.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from exchange.messages.bounds import PRICE_SCALE
from gateway.research.strategies.means import Means
from gateway.research.strategies.takes import move_to
from gateway.research.strategy import Book, Desk, Strategy


class FairValue(Strategy):
    """Gains if its opinion is better than the price."""

    title: ClassVar[str] = "Fractional Kelly on an opinion of the chance"

    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Prices in 1/10 000."""

        fraction: Annotated[float, Meta(gt=0, le=1)] = 0.25
        edge: Annotated[int, Meta(ge=0, le=9_999)] = 200
        """The least difference between opinion and price that is worth a bet."""
        memory_s: Annotated[float, Meta(gt=0, le=31_557_600)] = 3_600.0
        doubt: Annotated[float, Meta(ge=0, le=1)] = 0.0
        """How far the opinion is drawn towards one half, 0: not at all."""
        band: Annotated[float, Meta(ge=0, le=1)] = 0.25
        """What part of the position has to be missing before it is brought to the rule."""
        chance: Annotated[int, Meta(ge=0, le=9_999)] = 0
        """The opinion itself; 0: the mean."""

    def __init__(self, desk: Desk, parameters: Parameters) -> None:
        super().__init__(desk, parameters)
        self._means = Means(parameters.memory_s)

    def on_book(self, book: Book) -> None:
        """Bring the position to what the rule says at the prices of the book."""
        if book.middle is None:
            return
        set_ = self.parameters
        opinion = float(set_.chance) or self._opinion(book, book.middle)
        yes_cost, no_cost = book.asks[0].price, PRICE_SCALE - book.bids[0].price
        if opinion - yes_cost > set_.edge:
            target = self._stake(opinion, yes_cost)
        elif PRICE_SCALE - opinion - no_cost > set_.edge:
            target = -self._stake(PRICE_SCALE - opinion, no_cost)
        else:
            return
        if abs(target - self.desk.position(book.market).net) > set_.band * abs(target):
            move_to(self.desk, book, target)

    def _opinion(self, book: Book, middle: int) -> float:
        mean, doubt = self._means.add(book.market, book.at, middle), float(self.parameters.doubt)
        return mean + doubt * (PRICE_SCALE / 2 - mean)

    def _stake(self, worth: float, cost: int) -> int:
        """Return how many quantity units to hold of a share that costs `cost`."""
        part = self.parameters.fraction * (worth - cost) / (PRICE_SCALE - cost)
        return int(part * max(self.desk.equity(), 0) / cost)
