"""Looking into the past of one of our markets: which book, which changes.

Laws: a question that can't be answered is refused before anything is read; what is read and
replayed is bounded by the store (`persistence/repositories/past_books.py`), and nothing of it is
done on the event loop but fetching bytes.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Protocol

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.replays import ReplayPool
from gateway.http.request import Slice
from gateway.markets.past import replaying
from gateway.markets.past.replaying import Found, Item
from gateway.markets.views import CHECKSUM_LEVELS, BookView, checksum, wire_levels
from gateway.wire.errors import NotFound, OutOfRange, Unavailable
from gateway.wire.scalars import iso_millis, parse_time
from persistence.clock import now_us
from persistence.repositories.past_books import Stretch

AtSeqText = Annotated[
    int,
    msgspec.Meta(ge=1, le=STORED_MAX, description="the market's seq as of which; or `at`"),
]
LogAfterText = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=STORED_MAX, description="only what followed on this market seq, oldest first"
    ),
]
_MILLISECOND: Final = 1_000


class FindsStretches(Protocol):
    """Where a past begins; `persistence.repositories.past_books.PastBooks` in production."""

    async def to_seq(self, market_id: int, market_seq: int) -> Stretch:
        """Return the stretch in which a market came to be as of its seq."""

    async def to_time(self, market_id: int, at: int) -> Stretch:
        """Return the stretch in which a market came to be as it was at a time."""

    async def from_seq(self, market_id: int, market_seq: int) -> Stretch:
        """Return the stretch that begins before what followed on a market's seq."""


class BookHistory:
    """Answers of the past, of markets that the caller may see."""

    def __init__(self, stretches: FindsStretches, replays: ReplayPool, feed: ViewFeed) -> None:
        self._stretches = stretches
        self._replays = replays
        self._feed = feed

    async def at_seq(self, market: Market, outcome: Outcome, depth: int, seq: int) -> BookView:
        """Return the book as of a market's seq.

        Raises:
            OutOfRange: the market hasn't come so far.
            Unavailable: the past isn't written so far, or too many look into it.
        """
        _require_reached(market, seq, "atSeq")
        stretch = await self._stretches.to_seq(market.id, seq)
        most = max(depth, CHECKSUM_LEVELS)
        found = await self._replays.run(replaying.book_at_seq, stretch, outcome, most, seq)
        return self._view(market, outcome, depth, found)

    async def at_time(self, market: Market, outcome: Outcome, depth: int, at: str) -> BookView:
        """Return the book as it was at the end of a millisecond.

        Raises:
            ValidationFailed: it is no time.
            OutOfRange: it lies in the future.
            NotFound: it lies before the market.
            Unavailable: as above.
        """
        begin = parse_time(at, "at")
        if begin > now_us():
            raise OutOfRange.of("at", "lies in the future")
        end = begin + _MILLISECOND - 1
        if end < market.created_at:
            raise NotFound(f"at: the market was listed at {iso_millis(market.created_at)} only")
        stretch = await self._stretches.to_time(market.id, end)
        most = max(depth, CHECKSUM_LEVELS)
        found = await self._replays.run(replaying.book_at_time, stretch, outcome, most, end)
        return self._view(market, outcome, depth, found)

    async def deltas(
        self, market: Market, outcome: Outcome, after_seq: int, limit: int, field: str = "afterSeq"
    ) -> Slice[msgspec.Raw]:
        """Return what changed after a market's seq, oldest first: `BookDeltaView`s.

        Raises OutOfRange and Unavailable as above, naming `field`.
        """
        _require_reached(market, after_seq, field)
        if after_seq == market.seq:
            return Slice([], None)
        stretch = await self._stretches.from_seq(market.id, after_seq)
        items = await self._replays.run(replaying.deltas, stretch, outcome, after_seq, limit)
        return _slice(items, market)

    async def orders(
        self, market: Market, after_seq: int, limit: int, field: str = "afterSeq"
    ) -> Slice[msgspec.Raw]:
        """Return the order log after a market's seq, oldest first: `OrderLogView`s.

        Raises as `deltas`.
        """
        _require_reached(market, after_seq, field)
        if after_seq == market.seq:
            return Slice([], None)
        stretch = await self._stretches.from_seq(market.id, after_seq)
        items = await self._replays.run(replaying.order_log, stretch, after_seq, limit)
        return _slice(items, market)

    def _view(self, market: Market, outcome: Outcome, depth: int, found: Found | None) -> BookView:
        if found is None:
            raise _behind()
        bids, asks = found.bids, found.asks
        return BookView(
            str(market.id),
            market.slug,
            outcome,
            self._feed.epoch,
            found.seq,
            wire_levels(bids[:depth]),
            wire_levels(asks[:depth]),
            checksum(bids, asks),
            iso_millis(found.at),
        )


def _require_reached(market: Market, seq: int, field: str) -> None:
    if seq > market.seq:
        raise OutOfRange.of(field, f"is later than {market.seq}, the market's last")


def _slice(items: Sequence[Item], market: Market) -> Slice[msgspec.Raw]:
    if not items:
        raise _behind()
    last = items[-1][0]
    cursor = str(last) if last < market.seq else None
    return Slice([msgspec.Raw(item) for _, item in items], cursor)


def _behind() -> Unavailable:
    return Unavailable("the past is not written so far yet; try again in a moment")
