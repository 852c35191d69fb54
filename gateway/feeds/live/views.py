"""A market that is followed, and its book, on the wire: as any other, with epoch and seq."""

import msgspec

from exchange.messages.terms import Outcome
from gateway.feeds.api.views import (
    AnyBookView,
    ListedMarketView,
    as_of,
    listed_view,
    venue_book_view,
)
from gateway.feeds.live.followed import Followed, on_top
from gateway.feeds.model import VenueBook, VenueMarket
from gateway.markets.views import CHECKSUM_LEVELS


def followed_view(followed: Followed, market: VenueMarket, now: int) -> ListedMarketView:
    """Return a market that is followed, with its book's prices and where its stream stands."""
    market = on_top(market, followed)
    age = as_of(followed.told_at, now, final=True)
    return msgspec.structs.replace(
        listed_view(market, followed.told_at, now),
        seq=followed.seq,
        epoch=followed.epoch,
        as_of=msgspec.structs.replace(age, stale=followed.is_stale),
    )


def followed_book_view(followed: Followed, outcome: Outcome, depth: int, now: int) -> AnyBookView:
    """Return the book of one outcome of a market that is followed."""
    bids, asks = followed.levels(max(depth, CHECKSUM_LEVELS))
    market = followed.market
    book = VenueBook(platform=market.platform, external_id=market.external_id, bids=bids, asks=asks)
    age = as_of(followed.told_at, now, final=True)
    return venue_book_view(
        book, market, outcome, depth, msgspec.structs.replace(age, stale=followed.is_stale),
        epoch=followed.epoch, seq=followed.seq,
    )  # fmt: skip
