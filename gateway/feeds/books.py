"""The local book of a venue's market: kept from snapshots and changes, in YES terms.

Laws: a change names levels by price, with the quantity that is there now, 0 for none, so a change
applied twice changes nothing; the checksum is that of our own books (`gateway/markets/views.py`),
whatever the venue's is; an impossible state (crossed, a price that is none, a quantity below 0)
changes nothing for a reader but is told, by `fault`. Whether a change was lost a venue's own
numbers say, not this book.
"""

from collections.abc import Iterable
from typing import Final

from sortedcontainers import SortedDict

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_MAX
from gateway.feeds.model import Levels, VenueBook
from gateway.feeds.venue import BookChange, BookSnapshot
from gateway.markets.views import CHECKSUM_LEVELS, checksum

ALL_LEVELS: Final = PRICE_SCALE


class LocalBook:
    """The book of one market, empty until its first snapshot."""

    __slots__ = ("_asks", "_bids", "is_known")

    def __init__(self) -> None:
        """Know nothing."""
        # Bids by their negative price, so that both sides have their best level first.
        self._bids: SortedDict[int, int] = SortedDict()
        self._asks: SortedDict[int, int] = SortedDict()
        self.is_known = False
        """Whether there was a snapshot and nothing was lost since."""

    def take(self, event: BookSnapshot | BookChange) -> str | None:
        """Apply what a stream says and return what is impossible about it, None for nothing."""
        if isinstance(event, BookSnapshot):
            return self.snapshot(event.book)
        return self.change(event.bids, event.asks)

    def snapshot(self, book: VenueBook) -> str | None:
        """Be the book that the venue showed; returns as `take`."""
        self._bids.clear()
        self._asks.clear()
        self.is_known = True
        return self.change(book.bids, book.asks)

    def change(
        self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
    ) -> str | None:
        """Set levels and return what is impossible about it or about the book then."""
        wrong = None
        for side, sign, levels in ((self._bids, -1, bids), (self._asks, 1, asks)):
            for price, quantity in levels:
                if not 0 < price < PRICE_SCALE or not 0 <= quantity <= QUANTITY_MAX:
                    wrong = "impossible_level"
                elif quantity:
                    side[sign * price] = quantity
                else:
                    side.pop(sign * price, None)
        return wrong or self.fault

    def lose(self) -> None:
        """Note that something was missed: nothing is known until the next snapshot."""
        self._bids.clear()
        self._asks.clear()
        self.is_known = False

    @property
    def best_bid(self) -> int | None:
        """The best price somebody bids for YES."""
        return -self._bids.peekitem(0)[0] if self._bids else None

    @property
    def best_ask(self) -> int | None:
        """The best price somebody asks for YES."""
        return self._asks.peekitem(0)[0] if self._asks else None

    def standing(self, price: int, *, is_bid: bool) -> int:
        """Return how much (1/100 shares) somebody bids or asks at a YES price or better.  O(levels
        that good).
        """
        side, bound = (self._bids, -price) if is_bid else (self._asks, price)
        return sum(side[key] for key in side.irange(maximum=bound))

    @property
    def fault(self) -> str | None:
        """What is impossible about the book: None, or crossed."""
        bid, ask = self.best_bid, self.best_ask
        return "crossed" if bid is not None and ask is not None and bid >= ask else None

    def levels(self, depth: int = ALL_LEVELS) -> tuple[Levels, Levels]:
        """Return (bids, asks), at most `depth` levels each, best first."""
        bids = tuple((-price, quantity) for price, quantity in self._bids.items()[:depth])
        return bids, tuple(self._asks.items()[:depth])

    @property
    def checksum(self) -> int:
        """The CRC-32 of the ten best levels, by the rule of our own books."""
        bids, asks = self.levels(CHECKSUM_LEVELS)
        return checksum(list(bids), list(asks))
