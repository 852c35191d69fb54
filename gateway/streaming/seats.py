"""Who follows one book, and how its messages reach each of them.

Laws: nothing here waits. A reader that keeps up gets each book message as it is; for one that has
fallen behind, all book messages of a room that wait collapse into a single one that spans them,
the latest quantities with the right `prevSeq` and checksum.
"""

from exchange.messages.terms import Outcome
from gateway.markets.views import Changes
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member
from gateway.streaming import book_messages


class _BookSpan:
    """The book messages of one room that wait for one slow socket, collapsed into one."""

    __slots__ = ("_asks", "_bids", "_checksum", "_epoch", "_prev_seq", "_room", "_seat", "_seq")

    def __init__(self, room: "Seats", seat: "Seat", prev_seq: int) -> None:
        self._room = room
        self._seat: Seat | None = seat
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


class Seat:
    """One member's place in a book's room."""

    __slots__ = ("namespace", "outbound", "span")

    def __init__(self, member: Member) -> None:
        self.outbound = member.outbound
        self.namespace = member.namespace
        self.span: _BookSpan | None = None


class Seats:
    """The room of one outcome's book."""

    __slots__ = ("epoch", "market_id", "outcome", "seats")

    def __init__(self, market_id: int | str, outcome: Outcome, epoch: int) -> None:
        self.market_id = market_id
        self.outcome = outcome
        self.epoch = epoch
        self.seats: dict[Member, Seat] = {}

    def begin(self, member: Member, snapshot: Message | None) -> None:
        """Add a member, or start one anew, and queue the snapshot everything later builds on.

        Without one nothing is known of the book yet: a snapshot comes before anything else.
        """
        seat = self.seats.get(member)
        if seat is None:
            seat = self.seats[member] = Seat(member)
        seat.span = None
        if snapshot is not None:
            member.outbound.push(snapshot.frame(member.namespace))

    def leave(self, member: Member) -> None:
        """Remove a member and what waits for it; nothing happens if it isn't one."""
        seat = self.seats.pop(member, None)
        if seat is not None and seat.span is not None:
            seat.span.withdraw()

    def hand_over(self, member: Member, to: Member) -> None:
        """Let another member sit in a member's place, with what waits for it."""
        seat = self.seats.pop(member, None)
        if seat is not None:
            seat.outbound = to.outbound
            self.seats[to] = seat

    def tell(self, seq: int, bids: Changes, asks: Changes, checksum: int) -> None:
        """Queue the change that led to `seq` from the one before it, conflated for slow readers."""
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
