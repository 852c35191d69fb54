"""A gateway's end of the fan-out: the engine's messages, one by one, from whatever Redis is there.

Laws: nothing is assumed of a connection but what was just read from it. It has to bring something
within `SILENCE_S`: first that Redis has taken the subscription, and then its answer to a PING at
least, since a peer that is gone says nothing. Else, and after any error, it is made anew. What went
by in between is the reader's to repair, who is told by None. What isn't sealed by an engine that
shares our secret is counted and otherwise not there: it costs a hash, and neither a question to the
database nor the event loop's turn. The reader's pace is the only buffer: what it hasn't read waits
in Redis, which ends a connection that falls too far behind, and that is a gap like any other.
"""

import asyncio
from typing import TYPE_CHECKING, Final, Generic

from persistence.relay.channel import MessageT, Sealed
from persistence.relay.messages import RETRY_S, BusObserver, make_client, reason_of

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

WAIT_S: Final = 1.25
"""A wait for one message; a little more than the engine's beat."""
SILENCE_S: Final = 2.0
"""After that a connection is given up, or an engine isn't heard."""
_MESSAGES_BETWEEN_TURNS: Final = 32
"""What has come already is read without a wait: so often everybody else gets a turn."""


class RedisSubscriber(Generic[MessageT]):
    """One reader's subscription."""

    def __init__(
        self, url: str, channel: Sealed[MessageT], observer: BusObserver | None = None
    ) -> None:
        self._url = url
        self._channel = channel
        self._observer = observer or BusObserver()
        self._client: Redis | None = None
        self._pubsub: PubSub | None = None
        self._is_subscribed = False
        """As Redis says: what lost our word for it would answer each PING, and bring nothing."""
        self._answered_at = 0.0
        self._heard_at = 0.0
        self._read = 0
        self._is_connected: bool | None = None
        self._is_heard: bool | None = None

    async def receive(self) -> MessageT | None:
        """Return the next message; None if none came in time, or something may have been missed."""
        try:
            pubsub = await self._subscribe() if self._pubsub is None else self._pubsub
            message = await self._next_of(pubsub)
            if message is None:
                await self._after_silence(pubsub)
        except Exception as error:  # noqa: BLE001 - whatever a server says, it isn't our end
            await self._disconnect(reason_of(error))
            await asyncio.sleep(RETRY_S)
            return None
        return message

    async def close(self) -> None:
        """End the subscription."""
        pubsub, client = self._pubsub, self._client
        self._pubsub = self._client = None
        if pubsub is not None:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
        if client is not None:
            await client.aclose()

    async def _subscribe(self) -> "PubSub":
        self._client = make_client(self._url)
        self._pubsub = self._client.pubsub()
        self._answered_at = self._heard_at = asyncio.get_running_loop().time()
        self._is_subscribed = False
        await self._pubsub.subscribe(self._channel.name)
        return self._pubsub

    async def _next_of(self, pubsub: "PubSub") -> MessageT | None:
        """Return the next message that is sealed; None after `WAIT_S` without one."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + WAIT_S
        while (left := deadline - clock()) > 0:
            found = await pubsub.get_message(timeout=left)
            if found is None:
                continue
            if found["type"] == "subscribe":
                self._is_subscribed = True
            elif not self._is_subscribed:
                continue
            self._answered_at = clock()
            self._note(True)
            self._read += 1
            if self._read % _MESSAGES_BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
            if found["type"] != "message":
                continue
            message = self._channel.open(found["data"])
            if message is not None:
                self._heard_at = clock()
                self._note_engine(True)
                return message
            self._observer.garbled()
        return None

    async def _after_silence(self, pubsub: "PubSub") -> None:
        """Find out whether it is Redis that says nothing, or the engine."""
        now = asyncio.get_running_loop().time()
        if now - self._answered_at > SILENCE_S:
            await self._disconnect("silence")
            return
        await pubsub.ping()
        if now - self._heard_at > SILENCE_S:
            self._note_engine(False)

    async def _disconnect(self, reason: str) -> None:
        self._note(False, reason)
        await self.close()

    def _note(self, is_connected: bool, reason: str = "") -> None:
        """Tell the observer of a change, and of the first time in any case."""
        if self._is_connected is not is_connected:
            self._is_connected = is_connected
            self._observer.connected(is_connected, reason)

    def _note_engine(self, is_heard: bool) -> None:
        """Tell the observer of a change, and of the first time in any case."""
        if self._is_heard is not is_heard:
            self._is_heard = is_heard
            self._observer.engine_heard(is_heard)
