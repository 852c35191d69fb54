"""Private streams that a domain publishes to by itself: bets, alerts, the progress of a job.

    {"topic": "bets", "topicEpoch": 17, "topicSeq": 4, ...what the domain says}

What an execution of the engine changes (orders, balance, positions) is numbered by the account's
own sequence and told by `streaming/announcer.py`; everything else that is private is a topic.

Laws: a topic is opened once, by whoever composes the process, and handed to the domain. `topicSeq`
is dense within a `topicEpoch`; heartbeats carry both, so a client that has missed something knows,
and reads the domain's REST list anew. Another epoch (a reconnect, another process) means the same.
Nobody listens: nothing is made. Publishing never waits and never raises: a message that can't be
made costs its readers their sockets (`untold.py`).
"""

from typing import Any

import msgspec

from gateway.observability.tallies import Tally
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import UserRooms
from gateway.sockets.untold import Untold


class Topic:
    """One private stream of every user."""

    def __init__(self, name: str, users: UserRooms[Any], sent: Tally, untold: Untold) -> None:
        self.name = name
        self._users = users
        self._sent = sent
        self._untold = untold

    def publish(self, user_id: int, event: str, data: msgspec.Struct) -> None:
        """Queue a message for all sockets of a user, e.g. (7, "bet_updated", BetView(...))."""
        room = self._users.rooms.get(user_id)
        if room is None:
            return
        seq = room.topics[self.name] = room.topics.get(self.name, 0) + 1
        head = {"topic": self.name, "topicEpoch": room.topic_epoch, "topicSeq": seq}
        try:
            message = Message(event, head | msgspec.to_builtins(data))
        except Exception as error:  # noqa: BLE001 - a boundary of the fan-out
            self._untold.send_away(list(room.members), error)
            return
        room.send(message)
        self._sent.count += len(room.members)


class Topics:
    """The topics of the process."""

    def __init__(self, users: UserRooms[Any], sent: Tally) -> None:
        self._users = users
        self._sent = sent
        self._untold = Untold()
        self._names: dict[str, None] = {}

    def open(self, name: str) -> Topic:
        """Return a new topic; raises ValueError if there is one of that name."""
        if name in self._names:
            raise ValueError(f"the topic {name} is open already")
        self._names[name] = None
        return Topic(name, self._users, self._sent, self._untold)
