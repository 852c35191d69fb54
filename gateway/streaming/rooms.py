"""Who listens to which market: the rooms of markets and of their books.

    m:{id}        trades and the market's own changes      m:{id}:YES, m:{id}:NO    its book

Laws: nothing here waits. Joining a book and queuing its snapshot is one step, so that no change
falls between the two. Rooms without members are forgotten. How a book's messages reach readers
that fall behind is `seats.py`'s.
"""

from collections.abc import Iterable, Mapping

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member, Room
from gateway.streaming import book_messages
from gateway.streaming.book_messages import Changes
from gateway.streaming.seats import Seats


class BookRoom(Seats):
    """Those who follow the book of one outcome."""

    __slots__ = ("_snapshot", "_snapshot_seq")

    def __init__(self, market_id: int, outcome: Outcome, epoch: int) -> None:
        super().__init__(market_id, outcome, epoch)
        self._snapshot: Message | None = None
        self._snapshot_seq = -1

    def join(self, member: Member, market: Market) -> None:
        """Add a member, or start one anew, and queue the snapshot everything later builds on."""
        if self._snapshot is None or self._snapshot_seq != market.seq:
            self._snapshot = book_messages.snapshot(market, self.outcome, self.epoch)
            self._snapshot_seq = market.seq
        self.begin(member, self._snapshot)

    def restart(self, market: Market) -> None:
        """Queue a snapshot for every member, whatever it has seen."""
        self._snapshot = None
        for member in self.seats:
            self.join(member, market)

    def send(self, market: Market, bids: Changes, asks: Changes) -> None:
        """Queue the change that brought the market to its seq, conflated for slow readers."""
        self._snapshot = None
        self.tell(market.seq, bids, asks, book_messages.view_checksum(market, self.outcome))


class MarketRooms:
    """The three rooms of one market."""

    __slots__ = ("books", "public", "seq", "trade_no")

    def __init__(self, market: Market, epoch: int) -> None:
        self.public = Room[Member]()
        self.books = {outcome: BookRoom(market.id, outcome, epoch) for outcome in Outcome}
        self.seq = market.seq
        """Of the last book message queued."""
        self.trade_no = market.trade_no
        """Of the last trade queued."""

    def begin_epoch(self, epoch: int, market: Market) -> None:
        """Queue a snapshot of each book under another epoch."""
        self.seq, self.trade_no = market.seq, market.trade_no
        for book in self.books.values():
            book.epoch = epoch
            book.restart(market)


class Rooms:
    """The rooms of all markets that anybody of the process follows."""

    __slots__ = ("epoch", "markets")

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        """Of the engine that leads."""
        self.markets: dict[int, MarketRooms] = {}

    def join_market(self, member: Member, market: Market, outcomes: Iterable[Outcome]) -> None:
        """Put a member into a market's room and books; queues a snapshot of each book."""
        rooms = self.markets.get(market.id)
        if rooms is None:
            rooms = self.markets[market.id] = MarketRooms(market, self.epoch)
        rooms.public.members[member] = None
        for outcome in outcomes:
            rooms.books[outcome].join(member, market)

    def leave_book(self, member: Member, market_id: int, outcome: Outcome) -> bool:
        """Take a member out of one book; the last one takes the market's room along.

        Returns whether the member still is in the market's room.
        """
        rooms = self.markets.get(market_id)
        if rooms is None:
            return False
        rooms.books[outcome].leave(member)
        if any(member in book.seats for book in rooms.books.values()):
            return True
        rooms.public.members.pop(member, None)
        if not rooms.public.members:
            del self.markets[market_id]
        return False

    def begin_epoch(self, epoch: int, markets: Mapping[int, Market]) -> None:
        """Go on under another engine: every book followed begins anew with a snapshot."""
        self.epoch = epoch
        for market_id, rooms in self.markets.items():
            market = markets.get(market_id)
            if market is not None:
                rooms.begin_epoch(epoch, market)
