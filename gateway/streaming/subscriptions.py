"""Which session follows what of which markets, and how much it may.

A market of ours is named by its number, one of another venue by the text that is its id.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.feeds.live.followed import Followed
from gateway.sockets.session import SocketSession
from gateway.streaming.channels.channel import Channel, Place, Wish
from gateway.streaming.rooms import Rooms
from gateway.streaming.venue_rooms import VenueRooms
from gateway.streaming.venue_shares import MarketsRead, VenueShares
from gateway.wire.errors import Refused, ValidationFailed

BOOKS_PER_SESSION: Final = 400
"""Books (market and outcome) one session may follow; a market without any counts as one."""
VENUE_MARKETS_PER_SESSION: Final = 50
"""Markets of other venues one session may follow: a process follows only so many in all."""

MarketKey = int | str


_UNSET: Final = msgspec.UNSET


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """What the session now hears; the snapshots of the books follow as messages.

    `channels` (those asked for) and `depth` (1: the best levels alone) only where they were named.
    """

    market_id: str
    slug: str | None
    outcomes: tuple[Outcome, ...]
    epoch: int
    seq: int
    trade_no: int
    channels: tuple[Channel, ...] | msgspec.UnsetType = _UNSET
    depth: int | msgspec.UnsetType = _UNSET
    resumed: bool | msgspec.UnsetType = _UNSET
    """Whether what was missed follows instead of snapshots; told to who asked for that."""
    reason: str | msgspec.UnsetType = _UNSET
    """Why not."""


class Left(msgspec.Struct, frozen=True, rename="camel"):
    """What the session no longer hears; `channels` only where they were named."""

    market_id: str
    outcomes: tuple[Outcome, ...]
    channels: tuple[Channel, ...] | msgspec.UnsetType = _UNSET


def subscription(
    market_id: str, slug: str | None, epoch: int, seq: int, trade_no: int, wish: Wish
) -> Subscription:
    """Return the ack of a subscription that is granted."""
    return Subscription(
        market_id,
        slug,
        wish.outcomes,
        epoch,
        seq,
        trade_no,
        wish.channels if wish.is_named else _UNSET,
        1 if wish.is_light else _UNSET,
    )


def left(market_id: str, wish: Wish) -> Left:
    """Return the ack of what was left."""
    return Left(market_id, wish.outcomes, wish.channels if wish.is_named else _UNSET)


class Subscriptions:
    """What the sessions of the process follow."""

    def __init__(self, rooms: Rooms, venue_rooms: VenueRooms, shares: VenueShares) -> None:
        self._rooms = rooms
        self._venue_rooms = venue_rooms
        self._markets_read = MarketsRead(shares)
        self._places: dict[SocketSession, dict[MarketKey, Place]] = {}

    def check_room_for(self, session: SocketSession, market: MarketKey, wish: Wish) -> None:
        """Raise Refused if following this too would be too much, or two depths at once."""
        places = self._places.get(session, {})
        place = places.get(market)
        books = {} if place is None else place.books
        new = sum(outcome not in books for outcome in wish.outcomes)
        if place is None:
            new = max(1, new)
        elif not books:
            new = max(0, new - 1)
        if sum(one.counts for one in places.values()) + new > BOOKS_PER_SESSION:
            message = f"A socket may follow at most {BOOKS_PER_SESSION} books"
            raise Refused("TOO_MANY_SUBSCRIPTIONS", message)
        others = any(outcome not in wish.outcomes for outcome in books)
        if place is not None and wish.outcomes and others and place.is_light is not wish.is_light:
            message = "must be that of the market's other book, which is followed already"
            raise ValidationFailed.of("depth", message)
        if isinstance(market, str):
            theirs = {key for key in places if isinstance(key, str)} | {market}
            if len(theirs) > VENUE_MARKETS_PER_SESSION:
                message = f"at most {VENUE_MARKETS_PER_SESSION} markets of other venues"
                raise Refused("TOO_MANY_SUBSCRIPTIONS", f"A socket may follow {message}")
            self._markets_read.check(session, market)

    def join(self, session: SocketSession, market: Market, wish: Wish) -> None:
        """Join a market's rooms and books, the snapshots included, in one step."""
        self.note(session, market.id, wish)
        self._rooms.join_market(
            session, market, wish.outcomes, wish.channels, is_light=wish.is_light
        )

    def join_venue(self, session: SocketSession, followed: Followed, wish: Wish) -> None:
        """Join a market of another venue, the snapshots of what is known included."""
        self.note(session, followed.id, wish)
        self._markets_read.take(session, followed.id)
        self._venue_rooms.join_market(session, followed, wish)

    def leave(self, session: SocketSession, market: MarketKey, wish: Wish) -> None:
        """Leave what is meant of a market, and all of it with the last book if none is named."""
        places = self._places.get(session, {})
        place = places.get(market)
        if place is None:
            return
        self._leave(session, market, place.without(wish))
        if place.is_empty:
            del places[market]
            if isinstance(market, str):
                self._markets_read.give(session, market)

    def followed(self, session: SocketSession) -> Mapping[MarketKey, Place]:
        """Return the markets whose rooms a session is in, and what it follows of each."""
        return self._places.get(session, {})

    def note(self, session: SocketSession, market: MarketKey, wish: Wish) -> None:
        """Note that a session sits in a market's rooms from now on."""
        places = self._places.get(session)
        if places is None:
            places = self._places[session] = {}
            session.on_end(lambda: self._ended(session))
        place = places.get(market)
        if place is None:
            place = places[market] = Place()
        place.add(wish)

    def _leave(self, session: SocketSession, market: MarketKey, wish: Wish) -> None:
        if isinstance(market, str):
            self._venue_rooms.leave(session, market, wish)
        else:
            self._rooms.leave(session, market, wish)

    def _ended(self, session: SocketSession) -> None:
        for market, place in self._places.pop(session).items():
            self._leave(session, market, Wish((*place.books,), (*place.channels,)))
            if isinstance(market, str):
                self._markets_read.give(session, market)
