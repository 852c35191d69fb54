"""What a venue must offer to be part of the feed: one folder with these two, one registration.

A method that asks the venue raises `VenueUnavailable` when there is no usable answer after all
retries, `VenueRefused` when the venue understood and said no. A method that gets an answer it
can't represent raises `Unrepresentable`, or counts it if the answer is a list.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol, TypeVar, runtime_checkable

import msgspec

from gateway.feeds.model import (
    MarketsPage,
    PricePoint,
    VenueBook,
    VenueCandle,
    VenueMarket,
    VenueTrade,
)
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.settings.reader import Area

A = TypeVar("A", bound=Area)


class VenueUnavailable(Exception):
    """The venue gave no usable answer: down, too slow, over its limit, or not what it promises."""

    def __init__(self, platform: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{platform}: {message}")
        self.platform = platform
        self.retry_after_s = retry_after_s


class VenueRefused(Exception):
    """The venue knows no such thing, or won't show it."""

    def __init__(self, platform: str, status: int, message: str) -> None:
        super().__init__(f"{platform} answered {status}: {message}")
        self.platform = platform
        self.status = status


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand with one address of a venue: what `/feed/status` shows of it."""

    name: str
    """The host, or what else is asked or listened to."""
    last_success_at: int | None = None
    """Microseconds since the epoch, as all times."""
    last_error: str | None = None
    last_error_at: int | None = None
    failures: int = 0
    """In a row."""
    breaker: str = "closed"
    """closed; open: left alone; half_open: tried again."""
    retry_in_s: float | None = None
    rate_left: int | None = None
    """How many requests could go at once under our own limit."""
    clock_skew_s: int | None = None
    """How far its clock is ahead of ours."""
    counts: dict[str, int] = {}
    """What was asked or heard so far, by what became of it."""


@runtime_checkable
class Watched(Protocol):
    """A venue that tells how things stand with it, beside what `Venue` asks for."""

    def conditions(self) -> Sequence[Condition]:
        """Return one for each of its addresses."""
        ...


class BookSnapshot(msgspec.Struct, frozen=True):
    """A stream's whole book."""

    book: VenueBook


class BookChange(msgspec.Struct, frozen=True):
    """Levels that are new; a quantity of 0 takes one away. Prices of YES, in no order."""

    external_id: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    venue_seq: str | None = None
    venue_at: int | None = None


class Printed(msgspec.Struct, frozen=True):
    """A trade."""

    trade: VenueTrade


class TopChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Best prices, last price or tick, as far as the venue said them; None: not said."""

    external_id: str
    best_bid: int | None = None
    best_ask: int | None = None
    last_price: int | None = None
    tick_size: int | None = None
    volume_total: str | None = None
    open_interest: int | None = None
    venue_at: int | None = None


class LifeChanged(msgspec.Struct, frozen=True):
    """The market's life went on, or a new one was listed: ask for it."""

    external_id: str


class Lost(msgspec.Struct, frozen=True):
    """Messages of these markets were missed; a `BookSnapshot` of each follows by itself."""

    external_ids: tuple[str, ...]
    reason: str


StreamEvent = BookSnapshot | BookChange | Printed | TopChanged | LifeChanged | Lost


class VenueStream(Protocol):
    """One connection to a venue's socket; it reconnects by itself while it is iterated."""

    def events(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield what happens to the watched markets until cancelled."""
        ...

    async def watch(self, markets: Collection[VenueMarket]) -> None:
        """Watch these too; of each a `BookSnapshot` comes first."""
        ...

    async def unwatch(self, external_ids: Collection[str]) -> None:
        """Watch these no longer."""
        ...


class Venue(Protocol):
    """One venue's questions and answers."""

    platform: str
    """As in `platform` and before the colon of an id."""
    title: str
    currency: str

    async def markets(self, cursor: str | None, *, live_only: bool) -> MarketsPage:
        """Return a page of the venue's list, from the beginning for None."""
        ...

    async def some_markets(self, external_ids: Sequence[str]) -> MarketsPage:
        """Return these as they are now, as many as the venue has."""
        ...

    async def book(self, market: VenueMarket) -> VenueBook:
        """Return the market's book."""
        ...

    async def trades(self, market: VenueMarket, limit: int) -> Sequence[VenueTrade]:
        """Return the newest prints, newest first."""
        ...

    async def history(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        """Return what YES was worth from `start` to `end`, oldest first, about every interval."""
        ...

    async def candles(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[VenueCandle] | None:
        """Return the venue's own candles, oldest first; None if it has none."""
        ...

    def stream(self) -> VenueStream | None:
        """Return a new connection to the venue's socket; None if it has none."""
        ...


class VenueTools(msgspec.Struct, frozen=True):
    """What a venue may be made of: every area of settings, the metrics, the log."""

    areas: Sequence[Area]
    metrics: Metrics
    logger: Logger

    def settings(self, kind: type[A]) -> A:
        """Return the settings of one area; raises LookupError if the process has no such area."""
        for area in self.areas:
            if isinstance(area, kind):
                return area
        raise LookupError(f"no settings of {kind.__name__}")
