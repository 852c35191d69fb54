"""Who hears the same messages: rooms of members, and the room that each user has.

Laws: nothing here waits. A user's room is joined by the server alone, when a session has proved who
it is; it lives as long as it has a member.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from gateway.sockets.framing.frames import Message, Messages
from gateway.sockets.framing.outbound import Outbound
from persistence.clock import now_us


class Member(Protocol):
    """Whoever can be in a room: one namespace of one socket."""

    @property
    def outbound(self) -> Outbound:
        """Return the queue of the socket."""

    @property
    def namespace(self) -> int:
        """Return the index of the namespace."""

    def send_away(self) -> None:
        """End the socket: something can't be told to it, so it has to begin anew."""

    def suspended(self) -> None:
        """End the socket: the account of whoever is signed in was suspended."""


MemberT = TypeVar("MemberT", bound=Member)


class Room(Generic[MemberT]):
    """Members who all get the same messages."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members: dict[MemberT, None] = {}

    def send(self, message: Message) -> None:
        """Queue a message for everybody in the room."""
        for member in self.members:
            member.outbound.push(message.frame(member.namespace))

    def send_all(self, messages: Messages) -> None:
        """Queue messages for everybody in the room, one behind the other."""
        for member in self.members:
            member.outbound.push_all(messages.frames(member.namespace))


class Everybody(Generic[MemberT]):
    """Whoever is there, signed in or not; nobody before the process has sockets."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members: Callable[[], Iterable[MemberT]] = tuple


class UserRoom(Room[MemberT]):
    """Everything private of one user; `topics` says how far each of its streams has come."""

    __slots__ = ("topic_epoch", "topics")

    def __init__(self, topic_epoch: int) -> None:
        super().__init__()
        self.topic_epoch = topic_epoch
        """Another one for each room that was ever opened, so that numbers never seem to go on."""
        self.topics: dict[str, int] = {}


class UserRooms(Generic[MemberT]):
    """The rooms of the users who are signed in on any socket of the process, by user id."""

    __slots__ = ("_epochs", "rooms")

    def __init__(self) -> None:
        self.rooms: dict[int, UserRoom[MemberT]] = {}
        self._epochs = itertools.count(now_us())

    def join(self, member: MemberT, user_id: int) -> None:
        """Let a member hear what is private to a user."""
        room = self.rooms.get(user_id)
        if room is None:
            room = self.rooms[user_id] = UserRoom(next(self._epochs))
        room.members[member] = None

    def leave(self, member: MemberT, user_id: int) -> None:
        """Take a member out of a user's room; nothing happens if it isn't there."""
        room = self.rooms.get(user_id)
        if room is not None:
            room.members.pop(member, None)
            if not room.members:
                del self.rooms[user_id]

    def members_of(self, user_id: int) -> list[MemberT]:
        """Return who hears what is private to a user."""
        room = self.rooms.get(user_id)
        return [] if room is None else list(room.members)
