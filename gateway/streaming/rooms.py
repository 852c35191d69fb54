"""Who listens to which market: the rooms of markets and of their books.

    m:{id}        trades and the market's own changes      m:{id}:YES, m:{id}:NO    its book

Laws: nothing here waits. Joining a book and queuing its snapshot is one step, so that no change
falls between the two. A reader that keeps up gets each book message as it is; for one that has
fallen behind, all book messages of a room that wait collapse into a single one that spans them,
the latest quantities with the right `prevSeq` and checksum. Rooms without members are forgotten.
"""

from collections.abc import Iterable, Mapping

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member, Room
from gateway.streaming import book_messages
from gateway.streaming.book_messages import Changes


class _BookSpan:
    """The book messages of one room that wait for one slow socket, collapsed into one."""

    __slots__ = ("_asks", "_bids", "_checksum", "_epoch", "_prev_seq", "_room", "_seat", "_seq")

    def __init__(self, room: "BookRoom", seat: "_Seat", prev_seq: int) -> None:
        self._room = room
        self._seat: _Seat | None = seat
        self._epoch = room.epoch
        self._bids: Changes = {}
        self._asks: Changes = {}
        self._prev_seq = self._seq = prev_seq
        self._checksum = 0

    def merge(self, seq: int, bids: Changes, asks: Changes, checksum: int) -> None:
        self._bids.update(bids)
        self._asks.update(asks)
        self._seq = seq
        self._checksum = checksum

    def withdraw(self) -> None:
        """Send nothing: the socket has left the room."""
        self._seat = None

    def frame(self) -> bytes | None:
        seat = self._seat
        if seat is None:
            return None
        if seat.span is self:
            seat.span = None
        room = self._room
        message = book_messages.delta(
            room.market_id,
            room.outcome,
            self._epoch,
            self._prev_seq,
            self._seq,
            self._bids,
            self._asks,
            self._checksum,
        )
        return message.frame(seat.namespace)


class _Seat:
    """One member's place in a book's room."""

    __slots__ = ("namespace", "outbound", "span")

    def __init__(self, member: Member) -> None:
        self.outbound = member.outbound
        self.namespace = member.namespace
        self.span: _BookSpan | None = None


class BookRoom:
    """Those who follow the book of one outcome."""

    __slots__ = ("_snapshot", "_snapshot_seq", "epoch", "market_id", "outcome", "seats")

    def __init__(self, market_id: int, outcome: Outcome, epoch: int) -> None:
        self.market_id = market_id
        self.outcome = outcome
        self.epoch = epoch
        self.seats: dict[Member, _Seat] = {}
        self._snapshot: Message | None = None
        self._snapshot_seq = -1

    def join(self, member: Member, market: Market) -> None:
        """Add a member, or start one anew, and queue the snapshot everything later builds on."""
        seat = self.seats.get(member)
        if seat is None:
            seat = self.seats[member] = _Seat(member)
        seat.span = None
        if self._snapshot is None or self._snapshot_seq != market.seq:
            self._snapshot = book_messages.snapshot(market, self.outcome, self.epoch)
            self._snapshot_seq = market.seq
        member.outbound.push(self._snapshot.frame(member.namespace))

    def restart(self, market: Market) -> None:
        """Queue a snapshot for every member, whatever it has seen."""
        self._snapshot = None
        for member in self.seats:
            self.join(member, market)

    def leave(self, member: Member) -> None:
        """Remove a member and what waits for it; nothing happens if it isn't one."""
        seat = self.seats.pop(member, None)
        if seat is not None and seat.span is not None:
            seat.span.withdraw()

    def send(self, market: Market, bids: Changes, asks: Changes) -> None:
        """Queue the change that brought the market to its seq, conflated for slow readers."""
        seq = market.seq
        self._snapshot = None
        checksum = book_messages.view_checksum(market, self.outcome)
        message: Message | None = None
        for seat in self.seats.values():
            outbound = seat.outbound
            if outbound.flowing:
                if message is None:
                    message = book_messages.delta(
                        self.market_id, self.outcome, self.epoch, seq - 1, seq, bids, asks, checksum
                    )
                outbound.push(message.frame(seat.namespace))
                continue
            span = seat.span
            if span is None:
                span = seat.span = _BookSpan(self, seat, seq - 1)
                outbound.push_pending(span)
            span.merge(seq, bids, asks, checksum)


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
