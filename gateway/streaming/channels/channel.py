"""The channels of a market, and what one `subscribe:market` asks for.

    book       orderbook_update    all levels, or the best one a side (`depth: 1`)
    trades     trade_executed      the tape
    lifecycle  market_updated      status, resolution, halts
    ticker     ticker_updated      prices, sizes and the sums of a day
    candles    candle_updated      the intervals that are going on

Laws: who names no channels has the first three. `depth` is, as in REST, the levels a side; both
books of a market are followed at one depth, so that one number in a heartbeat is true of both.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final

import msgspec

from exchange.messages.terms import Outcome


class Channel(Enum):
    """One kind of a market's messages."""

    BOOK = "book"
    TRADES = "trades"
    TICKER = "ticker"
    CANDLES = "candles"
    LIFECYCLE = "lifecycle"


BY_DEFAULT: Final = (Channel.BOOK, Channel.TRADES, Channel.LIFECYCLE)
"""What every market has, and what whoever names no channels follows."""
STATES: Final = (Channel.TICKER, Channel.CANDLES)
"""Of these the newest message tells all; somebody has to feed them (`Rooms.open_channel`)."""


class Wish(msgspec.Struct, frozen=True):
    """What is to be followed, or left, of one market."""

    outcomes: tuple[Outcome, ...] = ()
    """Whose books; none without the channel `book`."""
    channels: tuple[Channel, ...] = BY_DEFAULT
    is_light: bool = False
    """Whether of the books the best levels alone are wanted."""
    is_named: bool = False
    """Whether the client said which channels, or how much of the book."""


class Place:
    """What one session follows of one market."""

    __slots__ = ("books", "channels", "is_light", "is_named")

    def __init__(self) -> None:
        self.books: dict[Outcome, None] = {}
        self.channels: dict[Channel, None] = {}
        """Beside `book`."""
        self.is_light = False
        self.is_named = False

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is followed any more."""
        return not self.books and not self.channels

    @property
    def counts(self) -> int:
        """Return as how many books it counts: a market without any as one."""
        return max(1, len(self.books))

    def add(self, wish: Wish) -> None:
        """Follow what is wished for too."""
        self.books |= dict.fromkeys(wish.outcomes)
        self.channels |= dict.fromkeys(c for c in wish.channels if c is not Channel.BOOK)
        if wish.outcomes:
            self.is_light = wish.is_light
        self.is_named = self.is_named or wish.is_named

    def without(self, wish: Wish) -> Wish:
        """Leave what is wished for; return all that this leaves.

        Without named channels the last book takes everything else along.
        """
        books = tuple(outcome for outcome in wish.outcomes if outcome in self.books)
        for outcome in books:
            del self.books[outcome]
        meant: Iterable[Channel] = wish.channels
        if not wish.is_named:
            meant = () if self.books else (*self.channels,)
        channels = tuple(channel for channel in meant if channel in self.channels)
        for channel in channels:
            del self.channels[channel]
        return Wish(books, channels, self.is_light)
