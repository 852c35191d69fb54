"""What the model `trades` knows of one market of its tape: the world's orders in it, and what books
took away.
"""

from exchange.model.order_book import Order

Shown = dict[int, list[Order]]
"""The world's orders by price, those of a price oldest first; one that has traded whole has nothing
remaining.
"""


class TapeMarket:
    """One market of the tape in the engine."""

    def __init__(self, market_id: int, tick: int) -> None:
        self.id = market_id
        self.tick = tick
        self.bids: Shown = {}
        self.asks: Shown = {}
        self.lost_bids: Shown = {}
        """Beyond the worst price that is shown, where the trader waits."""
        self.lost_asks: Shown = {}
        self.last: int | None = None
        self.gone: dict[int, int] = {}
        """What books of one time took away in all, by `place`."""
        self.gone_at = 0
        """That time."""
        self.unseen: dict[int, tuple[bool, int]] = {}
        """The trader's orders with an unknown volume ahead: (is a bid, price) by id."""

    def note_gone(self, place: int, quantity: int) -> None:
        """Hear that a book took a quantity away."""
        self.gone[place] = self.gone.get(place, 0) + quantity

    def gone_by(self, at: int, place: int) -> int:
        """Return what books of a time have taken away."""
        return self.gone.get(place, 0) if at == self.gone_at else 0


def place(price: int, *, is_bid: bool) -> int:
    """Return one number for a side and a price."""
    return price if is_bid else -price
