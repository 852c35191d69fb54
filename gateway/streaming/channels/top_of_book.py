"""The best level a side, for light readers: the channel `book` with `depth: 1`.

Laws: a message comes when a best price or its quantity has changed, and is a snapshot of what is
followed: one level a side, none where there is none, with the checksum of just these. So a reader
who keeps books keeps this one by the same rules, and a lost message is mended by the next. `seq` is
the market's; the top has one for both outcomes, as NO's best bid is YES's best ask.
"""

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import YES, Outcome
from gateway.markets.views import Levels, checksum, wire_levels
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member
from gateway.sockets.state_room import StateRoom
from gateway.streaming.book_messages import EVENT, BookUpdate

Best = tuple[int, int] | None
"""(YES price, quantity); None where a side is empty."""


class TopOfBook:
    """The light readers of both books of one market."""

    __slots__ = ("_is_known", "_market_id", "_told", "epoch", "rooms", "seq")

    def __init__(self, market_id: int | str, epoch: int) -> None:
        self._market_id = market_id
        self._told: tuple[Best, Best] = (None, None)
        self._is_known = False
        self.epoch = epoch
        self.rooms = {outcome: StateRoom() for outcome in Outcome}
        self.seq = 0
        """Of the last change."""

    @property
    def is_empty(self) -> bool:
        """Say whether nobody reads it."""
        return not any(room.members for room in self.rooms.values())

    def join(self, member: Member, outcome: Outcome, seq: int, bid: Best, ask: Best) -> None:
        """Add a member, or start one anew, with the best levels as they are at `seq`."""
        if not self._is_known:
            self._note(seq, bid, ask)
        self.rooms[outcome].begin(member, self._message(outcome, seq, bid, ask))

    def await_book(self, member: Member, outcome: Outcome) -> None:
        """Add a member of a market whose book isn't known yet: the first `tell` is its first."""
        self.rooms[outcome].begin(member)

    def leave(self, member: Member, outcome: Outcome) -> None:
        """Remove a member; nothing happens if it isn't one."""
        self.rooms[outcome].leave(member)

    def tell(self, seq: int, bid: Best, ask: Best) -> int:
        """Queue the best levels if they changed; return how many messages that is."""
        if self._is_known and (bid, ask) == self._told:
            return 0
        self._note(seq, bid, ask)
        return self._send()

    def restart(self, epoch: int, seq: int, bid: Best, ask: Best) -> None:
        """Queue the best levels for everybody, under another epoch."""
        self.epoch = epoch
        self._note(seq, bid, ask)
        self._send()

    def _note(self, seq: int, bid: Best, ask: Best) -> None:
        self._told, self._is_known, self.seq = (bid, ask), True, seq

    def _send(self) -> int:
        for outcome, room in self.rooms.items():
            if room.members:
                room.send(self._message(outcome, self.seq, *self._told))
        return sum(len(room.members) for room in self.rooms.values())

    def _message(self, outcome: Outcome, seq: int, bid: Best, ask: Best) -> Message:
        if outcome is YES:
            bids, asks = _levels(bid), _levels(ask)
        else:
            bids, asks = _levels(_mirrored(ask)), _levels(_mirrored(bid))
        update = BookUpdate(
            str(self._market_id),
            outcome,
            self.epoch,
            seq,
            None,
            "snapshot",
            wire_levels(bids),
            wire_levels(asks),
            checksum(bids, asks),
        )
        return Message(EVENT, update)


def _levels(best: Best) -> Levels:
    return [] if best is None else [best]


def _mirrored(best: Best) -> Best:
    return None if best is None else (PRICE_SCALE - best[0], best[1])
