"""The rooms of one market of any platform, one a channel, and who is in them.

Laws: nothing here waits; rooms of channels that few follow are made when somebody does. How a
book's first message is made is the platform's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from exchange.messages.terms import Outcome
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member, Room
from gateway.sockets.state_room import StateRoom
from gateway.streaming.channels.channel import Channel, Wish
from gateway.streaming.channels.top_of_book import TopOfBook
from gateway.streaming.seats import Seats

SeatsT = TypeVar("SeatsT", bound=Seats)

First = Callable[[int], Sequence[Message]]
"""Gives the messages that a new reader of a market's channel begins with."""


class ChannelRooms(Generic[SeatsT]):
    """Who listens to what of one market."""

    __slots__ = ("books", "lifecycle", "lifecycle_seq", "states", "top", "trades")

    def __init__(self, books: Mapping[Outcome, SeatsT], seq: int) -> None:
        self.books = books
        self.trades = Room[Member]()
        self.lifecycle = Room[Member]()
        self.lifecycle_seq = seq
        """Of the last change of the market's life that was queued, or from which on all were."""
        self.top: TopOfBook | None = None
        """Nobody reads the best levels alone while it is None."""
        self.states: dict[Channel, StateRoom] = {}

    def members(self) -> list[Member]:
        """Return whoever is in any of the rooms, each once.  O(members)."""
        return list(dict.fromkeys(member for room in self._rooms() for member in room))

    @property
    def is_empty(self) -> bool:
        """Say whether nobody is in any of the rooms."""
        return not any(self._rooms())

    def _rooms(self) -> Iterator[Mapping[Member, object]]:
        yield self.trades.members
        yield self.lifecycle.members
        yield from (book.seats for book in self.books.values())
        if self.top is not None:
            yield from (room.members for room in self.top.rooms.values())
        yield from (room.members for room in self.states.values())

    def join_tape(self, member: Member, wish: Wish) -> None:
        """Put a member into the rooms that begin with nothing: trades and the market's life."""
        if Channel.TRADES in wish.channels:
            self.trades.members[member] = None
        if Channel.LIFECYCLE in wish.channels:
            self.lifecycle.members[member] = None

    def join_state(self, member: Member, channel: Channel, seq: int, *first: Message) -> None:
        """Put a member into the room of a state, with how it is."""
        room = self.states.get(channel)
        if room is None:
            room = self.states[channel] = StateRoom(seq)
        room.begin(member, *first)

    def hand_over(self, member: Member, to: Member) -> None:
        """Let another member sit wherever one does, with what waits for it; states apart."""
        for book in self.books.values():
            book.hand_over(member, to)
        for room in (self.trades, self.lifecycle):
            if member in room.members:
                del room.members[member]
                room.members[to] = None

    def leave_top(self, member: Member, outcome: Outcome) -> None:
        """Take a member out of a book's light readers; nothing happens if it isn't one."""
        if self.top is not None:
            self.top.leave(member, outcome)
            if self.top.is_empty:
                self.top = None

    def leave(self, member: Member, wish: Wish) -> None:
        """Take a member out of what is meant; nothing happens where it isn't."""
        for outcome in wish.outcomes:
            self.books[outcome].leave(member)
            self.leave_top(member, outcome)
        if Channel.TRADES in wish.channels:
            self.trades.members.pop(member, None)
        if Channel.LIFECYCLE in wish.channels:
            self.lifecycle.members.pop(member, None)
        for channel in wish.channels:
            room = self.states.get(channel)
            if room is not None:
                room.leave(member)
                if not room.members:
                    del self.states[channel]
