"""What the model `trades` knows of one market of its tape: the world's orders in it, and what books
took away.
"""

from collections import Counter

Shown = dict[int, list[int]]
"""The ids of the world's orders by price, those of a price oldest first."""


class TapeMarket:
    """One market of the tape in the engine."""

    __slots__ = ("asks", "bids", "gone", "id", "last", "lost_asks", "lost_bids", "tick", "unseen")

    def __init__(self, market_id: int, tick: int) -> None:
        self.id = market_id
        self.tick = tick
        self.bids: Shown = {}
        self.asks: Shown = {}
        self.lost_bids: Shown = {}
        """Beyond the worst price that is shown, where the trader waits."""
        self.lost_asks: Shown = {}
        self.last: int | None = None
        self.gone: Counter[tuple[int, bool, int]] = Counter()
        """What books of the latest time took away in all: by (time, is a bid, price)."""
        self.unseen: dict[int, tuple[bool, int]] = {}
        """The trader's orders with an unknown volume ahead: (is a bid, price) by id."""
