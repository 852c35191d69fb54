"""Readers of a state: each message tells all of it, so a later one makes an earlier one needless.

Laws: nothing here waits. A reader that keeps up gets each message; for one that has fallen behind
the newest of each `key` waits, in the place of the first that did.
"""

from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member


class _Newest:
    """The newest message of one key, for one slow reader."""

    __slots__ = ("_key", "_namespace", "_waiting", "message")

    def __init__(self, waiting: "dict[object, _Newest]", key: object, namespace: int) -> None:
        self._waiting = waiting
        self._key = key
        self._namespace = namespace
        self.message: Message | None = None

    def frame(self) -> bytes | None:
        message = self.message
        if message is None:
            return None
        self._waiting.pop(self._key, None)
        return message.frame(self._namespace)


class StateRoom:
    """Members who want the newest state; `seq` is that of the last message."""

    __slots__ = ("members", "seq")

    def __init__(self, seq: int = 0) -> None:
        self.members: dict[Member, dict[object, _Newest]] = {}
        """What waits for each of them, by key."""
        self.seq = seq

    def begin(self, member: Member, *messages: Message) -> None:
        """Add a member, or start one anew, with how things are."""
        self.leave(member)
        self.members[member] = {}
        for message in messages:
            member.outbound.push(message.frame(member.namespace))

    def leave(self, member: Member) -> None:
        """Remove a member and what waits for it; nothing happens if it isn't one."""
        for newest in self.members.pop(member, {}).values():
            newest.message = None

    def send(self, message: Message, key: object = None) -> None:
        """Queue a message for everybody; one of the same `key` that still waits is replaced."""
        for member, waiting in self.members.items():
            outbound = member.outbound
            if outbound.flowing:
                outbound.push(message.frame(member.namespace))
                continue
            newest = waiting.get(key)
            if newest is None:
                newest = waiting[key] = _Newest(waiting, key, member.namespace)
                outbound.push_pending(newest)
            newest.message = message
