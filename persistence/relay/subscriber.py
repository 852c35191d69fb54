"""A gateway's end of the fan-out: the engine's messages, one by one, from whatever Redis is there.

Laws: nothing is assumed of a connection but what was just read from it. It has to bring something
within `SILENCE_S`, since the engine beats each second and a peer that is gone says nothing; else,
and after any error, it is made anew. What went by in between is the reader's to repair, who is told
by None. The reader's pace is the only buffer: what it hasn't read waits in Redis, which ends a
connection that falls too far behind, and that is a gap like any other.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.relay.messages import (
    FAILURES,
    RETRY_S,
    BusMessage,
    BusObserver,
    channel_of,
    decode,
    make_client,
    reason_of,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

WAIT_S: Final = 1.25
"""A wait for one message; a little more than the engine's beat."""
SILENCE_S: Final = 2.0
"""After that a connection is given up."""


class RedisSubscriber:
    """One reader's subscription."""

    def __init__(self, url: str, database_id: str, observer: BusObserver | None = None) -> None:
        self._url = url
        self._channel = channel_of(database_id)
        self._observer = observer or BusObserver()
        self._client: Redis | None = None
        self._pubsub: PubSub | None = None
        self._heard_at = 0.0
        self._is_connected: bool | None = None

    async def receive(self) -> BusMessage | None:
        """Return the next message; None if none came in time, or something may have been missed."""
        clock = asyncio.get_running_loop().time
        try:
            pubsub = await self._subscribe() if self._pubsub is None else self._pubsub
            found = await _next_of(pubsub)
        except FAILURES as error:
            await self._disconnect(reason_of(error))
            await asyncio.sleep(RETRY_S)
            return None
        if found is None:
            if clock() - self._heard_at > SILENCE_S:
                await self._disconnect("silence")
            return None
        self._heard_at = clock()
        self._note(True)
        try:
            message: BusMessage = decode(found)
        except (msgspec.DecodeError, UnicodeDecodeError):
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
        self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)
        self._heard_at = asyncio.get_running_loop().time()
        await self._pubsub.subscribe(self._channel)
        return self._pubsub

    async def _disconnect(self, reason: str) -> None:
        self._note(False, reason)
        await self.close()

    def _note(self, is_connected: bool, reason: str = "") -> None:
        """Tell the observer of a change, and of the first time in any case."""
        if self._is_connected is not is_connected:
            self._is_connected = is_connected
            self._observer.connected(is_connected, reason)


async def _next_of(pubsub: "PubSub") -> Any:  # noqa: ANN401 - bytes, or what a stranger sent
    """Return the data of the next message; None after `WAIT_S` without one."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + WAIT_S
    while (left := deadline - clock()) > 0:
        found = await pubsub.get_message(timeout=left)
        if found is not None and found["type"] == "message":
            return found["data"]
    return None
