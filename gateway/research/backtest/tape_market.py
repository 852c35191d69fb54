"""What the model `trades` knows of one market of its tape: the world's orders in it, and what books
took away.
"""

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import NO, YES
from exchange.model.order_book import Order

Shown = dict[int, list[Order]]
"""The world's orders by price, those of a price oldest first; one that has traded whole has nothing
remaining.
"""


class WorldSide:
    """What the world bids for YES in a market, or asks."""

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.outcome = YES if is_bid else NO
        self.shown: Shown = {}
        """At the prices of the last book."""
        self.lost: Shown = {}
        """Beyond the worst price that is shown, where the trader waits."""
        self.gone: dict[int, int] = {}
        """What books of one time took away in all, by price."""

    def own_price(self, price: int) -> int:
        """Return what an order of the world's at a YES price bids for its own outcome."""
        return price if self.is_bid else PRICE_SCALE - price

    def note_gone(self, price: int, quantity: int) -> None:
        """Hear that a book took a quantity away."""
        self.gone[price] = self.gone.get(price, 0) + quantity

    def clear(self) -> None:
        """Forget all orders."""
        self.shown.clear()
        self.lost.clear()


class TapeMarket:
    """One market of the tape in the engine."""

    def __init__(self, market_id: int, tick: int) -> None:
        self.id = market_id
        self.tick = tick
        self.bids = WorldSide(is_bid=True)
        self.asks = WorldSide(is_bid=False)
        self.last: int | None = None
        self.gone_at = 0
        """The time of the books whose `gone` is remembered."""
        self.unseen: dict[int, tuple[bool, int]] = {}
        """The trader's orders with an unknown volume ahead: (is a bid, price) by id."""

    def turn_to(self, at: int) -> None:
        """Forget what books of another time took away."""
        if at != self.gone_at:
            self.gone_at = at
            self.bids.gone.clear()
            self.asks.gone.clear()

    def gone_by(self, at: int, side: WorldSide, price: int) -> int:
        """Return what books of a time have taken away."""
        return side.gone.get(price, 0) if at == self.gone_at else 0
