"""The one format: a market, an event, a book, a print and a price of any venue.

Prices are of YES, in the exchange's units (1 to 9999, 1/10 000), None where the venue gives none:
nothing is invented, so a price of 0 or 1, a book without a side and a market that is resolved have
None. Quantities are counts of 1/100 share, cut, never rounded up; what is worth less than one isn't
there. Money is an exact `Decimal` in the venue's currency. Times are microseconds since the epoch.
An off-grid price becomes the nearest one that costs a reader nothing: a bid goes down, an ask up,
a price that somebody paid to the nearest.

A converter turns a venue's answer into these or raises `Unrepresentable`, whose reason is counted.
"""

from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec

from exchange.messages.terms import Resolution
from persistence.clock import MICROSECONDS


class Unrepresentable(Exception):
    """The venue's object has no form here; `reason` is one of a few short words, for a label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class ListedStatus(Enum):
    """The life of a market of any venue, in our words."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    POST_ONLY = "POST_ONLY"
    HALTED = "HALTED"
    FULL_HALT = "FULL_HALT"
    CLOSED = "CLOSED"
    RESOLVING = "RESOLVING"
    RESOLVED = "RESOLVED"
    VOID = "VOID"


FINAL: Final = frozenset({ListedStatus.RESOLVED, ListedStatus.VOID})
STALE_S: Final = 900
"""What was seen longer ago may have changed: three passes over a venue's list."""


def is_old(at: int, now: int, *, final: bool) -> bool:
    """Return whether what was known at a time may have changed since; what is final can't have."""
    return now - at > STALE_S * MICROSECONDS and not final


class TakenSide(Enum):
    """Which outcome the taker of a print bought."""

    YES = "YES"
    NO = "NO"


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How every record is built and encoded (msgpack, by name, defaults left out)."""


class VenueMarket(_Record, frozen=True, kw_only=True):
    """One YES/NO market as the venue showed it at `venue_at`."""

    platform: str
    external_id: str
    """The venue's own, e.g. Polymarket's condition id or Kalshi's ticker."""
    question: str
    slug: str | None = None
    description: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    event_id: str | None = None
    """The venue's own id of the event."""
    event_title: str | None = None
    outcomes: tuple[str, str] = ("Yes", "No")
    """What YES and NO are called there."""
    status: ListedStatus
    close_time: int | None = None
    created_at: int | None = None
    resolved_at: int | None = None
    resolution: Resolution | None = None
    yes_payout: int | None = None
    """Price units that a YES share was paid, for SPLIT."""
    yes_price: int | None = None
    """What YES is worth by the venue's own word, or between its best prices."""
    best_bid: int | None = None
    best_ask: int | None = None
    bid_quantity: int | None = None
    ask_quantity: int | None = None
    last_price: int | None = None
    tick_size: int | None = None
    min_quantity: int | None = None
    fees: tuple[tuple[str, str], ...] = ()
    """The venue's fee terms by name, as decimal texts; `gateway/venues` knows what they mean."""
    volume_24h: Decimal | None = None
    volume_total: Decimal | None = None
    liquidity: Decimal | None = None
    currency: str
    open_interest: int | None = None
    """Shares, in 1/100."""
    url: str | None = None
    stream_keys: tuple[str, ...] = ()
    """What the venue's socket and book answers call it: Polymarket's two token ids, YES first."""
    venue_at: int | None = None
    """When it was so there, if the venue says."""


class VenueEvent(_Record, frozen=True, kw_only=True):
    """A question with several answers, each a market of its own."""

    platform: str
    external_id: str
    title: str
    slug: str | None = None
    description: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    exclusive: bool = False
    """Whether at most one of its markets can be YES."""
    close_time: int | None = None
    url: str | None = None
    venue_at: int | None = None


Levels = tuple[tuple[int, int], ...]
"""(price of YES, quantity) of one side, best first."""


class VenueBook(_Record, frozen=True, kw_only=True):
    """The book of one market in YES terms; of a venue that publishes bids only, the NO bids are
    the asks at 1 - price.
    """

    platform: str
    external_id: str
    bids: Levels
    asks: Levels
    venue_seq: str | None = None
    """The venue's own number or hash of this state."""
    venue_at: int | None = None


class VenueTrade(_Record, frozen=True, kw_only=True):
    """One print of the venue's tape."""

    platform: str
    external_id: str
    trade_id: str
    """Unique per venue; made of what it says where it gives none."""
    yes_price: int
    quantity: int
    taken: TakenSide | None = None
    venue_at: int


class PricePoint(_Record, frozen=True, kw_only=True):
    """What YES was worth at a time."""

    at: int
    yes_price: int


class VenueCandle(_Record, frozen=True, kw_only=True):
    """One interval of a market; a price is None where nothing was traded or offered."""

    start: int
    open: int | None = None
    high: int | None = None
    low: int | None = None
    close: int | None = None
    best_bid: int | None = None
    best_ask: int | None = None
    volume: int | None = None
    open_interest: int | None = None


class MarketsPage(_Record, frozen=True, kw_only=True):
    """What one answer with a list of markets became."""

    markets: tuple[VenueMarket, ...]
    events: tuple[VenueEvent, ...] = ()
    raw: tuple[bytes, ...] = ()
    """The venue's JSON of each of `markets`, in the same order."""
    refused: tuple[tuple[str, str], ...] = ()
    """(external id or "", reason) of what has no form here."""
    unread: tuple[tuple[str, str], ...] = ()
    """(external id, the venue's field) of what one of `markets` says in a form that isn't known:
    it is left out there."""
    next_cursor: str | None = None
    """Where the next page begins; None for the last."""
