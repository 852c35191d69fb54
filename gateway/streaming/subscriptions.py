"""Which session follows which books, and how many it may.

A market of ours is named by its number, one of another venue by the text that is its id.
"""

from typing import Final

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.feeds.live.followed import Followed
from gateway.sockets.session import SocketSession
from gateway.streaming.rooms import Rooms
from gateway.streaming.venue_rooms import VenueRooms
from gateway.streaming.venue_shares import MarketsRead, VenueShares
from gateway.wire.errors import Refused

BOOKS_PER_SESSION: Final = 400
"""Books (market and outcome) one session may follow."""
VENUE_MARKETS_PER_SESSION: Final = 50
"""Markets of other venues one session may follow: a process follows only so many in all."""

MarketKey = int | str


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """What the session now hears; the snapshots of the books follow as messages."""

    market_id: str
    slug: str | None
    outcomes: tuple[Outcome, ...]
    epoch: int
    seq: int
    trade_no: int


class Left(msgspec.Struct, frozen=True, rename="camel"):
    """What the session no longer hears."""

    market_id: str
    outcomes: tuple[Outcome, ...]


class Subscriptions:
    """The books that the sessions of the process follow."""

    def __init__(self, rooms: Rooms, venue_rooms: VenueRooms, shares: VenueShares) -> None:
        self._rooms = rooms
        self._venue_rooms = venue_rooms
        self._markets_read = MarketsRead(shares)
        self._books: dict[SocketSession, dict[tuple[MarketKey, Outcome], None]] = {}

    def check_room_for(
        self, session: SocketSession, market: MarketKey, outcomes: tuple[Outcome, ...]
    ) -> None:
        """Raise Refused if following these books too would be too many."""
        books = self._books.get(session, {})
        new = sum((market, outcome) not in books for outcome in outcomes)
        if len(books) + new > BOOKS_PER_SESSION:
            message = f"A socket may follow at most {BOOKS_PER_SESSION} books"
            raise Refused("TOO_MANY_SUBSCRIPTIONS", message)
        if isinstance(market, str):
            theirs = {key for key, _ in books if isinstance(key, str)} | {market}
            if len(theirs) > VENUE_MARKETS_PER_SESSION:
                message = f"at most {VENUE_MARKETS_PER_SESSION} markets of other venues"
                raise Refused("TOO_MANY_SUBSCRIPTIONS", f"A socket may follow {message}")
            self._markets_read.check(session, market)

    def join(self, session: SocketSession, market: Market, outcomes: tuple[Outcome, ...]) -> None:
        """Join a market and its books, the snapshots included, in one step."""
        self._note(session, market.id, outcomes)
        self._rooms.join_market(session, market, outcomes)

    def join_venue(
        self, session: SocketSession, followed: Followed, outcomes: tuple[Outcome, ...]
    ) -> None:
        """Join a market of another venue, the snapshots of what is known included."""
        self._note(session, followed.id, outcomes)
        self._markets_read.take(session, followed.id)
        self._venue_rooms.join_market(session, followed, outcomes)

    def leave(
        self, session: SocketSession, market: MarketKey, outcomes: tuple[Outcome, ...]
    ) -> None:
        """Leave a market's books, and the market with the last of them."""
        books = self._books.get(session, {})
        for outcome in outcomes:
            if (market, outcome) in books:
                del books[market, outcome]
                self._leave_book(session, market, outcome)
        if isinstance(market, str) and all(key != market for key, _ in books):
            self._markets_read.give(session, market)

    def followed(self, session: SocketSession) -> list[MarketKey]:
        """Return the markets whose rooms a session is in."""
        return list(dict.fromkeys(market for market, _ in self._books.get(session, ())))

    def _note(
        self, session: SocketSession, market: MarketKey, outcomes: tuple[Outcome, ...]
    ) -> None:
        books = self._books.get(session)
        if books is None:
            books = self._books[session] = {}
            session.on_end(lambda: self._ended(session))
        for outcome in outcomes:
            books[market, outcome] = None

    def _leave_book(self, session: SocketSession, market: MarketKey, outcome: Outcome) -> None:
        if isinstance(market, str):
            self._venue_rooms.leave_book(session, market, outcome)
        else:
            self._rooms.leave_book(session, market, outcome)

    def _ended(self, session: SocketSession) -> None:
        for market, outcome in self._books.pop(session):
            self._leave_book(session, market, outcome)
            if isinstance(market, str):
                self._markets_read.give(session, market)
