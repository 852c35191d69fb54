"""Which session follows which books, and how many it may."""

from typing import Final

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.sockets.session import SocketSession
from gateway.streaming.rooms import Rooms
from gateway.wire.errors import Refused

BOOKS_PER_SESSION: Final = 400
"""Books (market and outcome) one session may follow."""


class Subscriptions:
    """The books that the sessions of the process follow."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._books: dict[SocketSession, dict[tuple[int, Outcome], None]] = {}

    def check_room_for(
        self, session: SocketSession, market_id: int, outcomes: tuple[Outcome, ...]
    ) -> None:
        """Raise Refused if following these books too would be too many."""
        books = self._books.get(session, {})
        new = sum((market_id, outcome) not in books for outcome in outcomes)
        if len(books) + new > BOOKS_PER_SESSION:
            message = f"A socket may follow at most {BOOKS_PER_SESSION} books"
            raise Refused("TOO_MANY_SUBSCRIPTIONS", message)

    def join(self, session: SocketSession, market: Market, outcomes: tuple[Outcome, ...]) -> None:
        """Join a market and its books, the snapshots included, in one step."""
        books = self._books.get(session)
        if books is None:
            books = self._books[session] = {}
            session.on_end(lambda: self._ended(session))
        for outcome in outcomes:
            books[market.id, outcome] = None
        self._rooms.join_market(session, market, outcomes)

    def leave(self, session: SocketSession, market_id: int, outcomes: tuple[Outcome, ...]) -> None:
        """Leave a market's books, and the market with the last of them."""
        books = self._books.get(session, {})
        for outcome in outcomes:
            if (market_id, outcome) in books:
                del books[market_id, outcome]
                self._rooms.leave_book(session, market_id, outcome)

    def followed(self, session: SocketSession) -> list[int]:
        """Return the ids of the markets whose rooms a session is in."""
        return list(dict.fromkeys(market_id for market_id, _ in self._books.get(session, ())))

    def _ended(self, session: SocketSession) -> None:
        for market_id, outcome in self._books.pop(session):
            self._rooms.leave_book(session, market_id, outcome)
