"""Limits that are counted in several processes at once: each tells the others what was taken.

Laws: nobody waits for another process, so a call costs what it did. What was taken is told every
TELL_S over Redis, sealed, and taken from the others' buckets and windows as well: together the
processes allow what one would, and at most what comes elsewhere before the word of it does. While
Redis is away each counts by itself. What is told has a bound, and what doesn't fit is told later.
Nothing is held for a process, so one that dies leaves nothing taken for longer than its limit says.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import msgspec

from persistence.relay.channel import Sealed, name_of
from persistence.relay.messages import FAILURES, RETRY_S, make_client
from persistence.relay.subscriber import RedisSubscriber

if TYPE_CHECKING:
    from redis.asyncio import Redis

TELL_S: Final = 0.2
KEYS_MAX: Final = 5_000
"""Of one message."""
_SENDER_BYTES: Final = 8


class Shared(Protocol):
    """A limit that others take from, too."""

    def drain(self, most: int) -> list[tuple[Any, int]]:
        """Return and forget what was taken here since the last time, of so many keys at most."""

    def taken_elsewhere(self, key: Any, cost: int) -> None:  # noqa: ANN401 - a user or an address
        """Take what was taken in another process."""


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """What a process has taken: (which limit, whose, how much; less than nothing is given back)."""

    sender: bytes
    taken: Annotated[list[tuple[int, int | str, int]], msgspec.Meta(max_length=KEYS_MAX)]


_decode: Final = msgspec.msgpack.Decoder(Taken).decode


class SharedLimits:
    """Tells and hears, without end."""

    NAME: Final = "shared-limits"
    HEARING: Final = "shared-limits-heard"

    def __init__(self, url: str, identity: str, secret: bytes, limits: Sequence[Shared]) -> None:
        """Share `limits`, in an order that all processes have, over the Redis at `url`."""
        self._url = url
        self._limits = limits
        self._sender = secrets.token_bytes(_SENDER_BYTES)
        self._channel = Sealed[Taken](name_of(identity, "limits"), secret, b"limits", _decode)

    async def run(self, check_in: Callable[[], None]) -> None:
        """Tell what is taken here."""
        while True:
            client = make_client(self._url)
            try:
                await self._tell(client, check_in)
            except FAILURES:
                # Old news would be taken from buckets that have filled again meanwhile.
                self._drained()
            finally:
                await client.aclose()
            check_in()
            await asyncio.sleep(RETRY_S)

    async def hear(self, check_in: Callable[[], None]) -> None:
        """Take what is told by others."""
        subscriber = RedisSubscriber(self._url, self._channel)
        try:
            while True:
                self.take(await subscriber.receive())
                check_in()
        finally:
            await subscriber.close()

    def take(self, message: Taken | None) -> None:
        """Take what another process took."""
        if message is None or message.sender == self._sender:
            return
        for number, key, cost in message.taken:
            if 0 <= number < len(self._limits):
                self._limits[number].taken_elsewhere(key, cost)

    async def _tell(self, client: "Redis", check_in: Callable[[], None]) -> None:
        while True:
            taken = self._drained()
            if taken:
                sealed = self._channel.seal(Taken(self._sender, taken))
                await client.publish(self._channel.name, sealed)
            check_in()
            await asyncio.sleep(TELL_S)

    def _drained(self) -> list[tuple[int, int | str, int]]:
        taken: list[tuple[int, int | str, int]] = []
        for number, limit in enumerate(self._limits):
            found = limit.drain(KEYS_MAX - len(taken))
            taken += [(number, key, cost) for key, cost in found]
        return taken
