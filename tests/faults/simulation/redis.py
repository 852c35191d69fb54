"""A Redis without one: channels whose messages get lost, come twice, late and out of order.

Laws: what stands here for redis-py is the client of `persistence.relay.messages.make_client`, so
publisher and subscriber are the product's own; what is published is told to `on_publish` when it
leaves the engine's process.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.faults.simulation.virtual_loop import Process, VirtualLoop, current_process
from tests.faults.simulation.weather import Weather

_MOST_WAITING: Final = 1_000


class RedisServer:
    """Redis' machine."""

    def __init__(self, loop: VirtualLoop, dice: Random, weather: Weather) -> None:
        self.loop = loop
        self.dice = dice
        self.weather = weather
        self.is_up = True
        self.cut_off: set[Process] = set()
        """Processes that can't reach it, nor be reached by it."""
        self.on_publish: Callable[[Process, bytes], None] = lambda *_: None
        self.subscribers: list[PubSub] = []

    def client(self, _url: str, **_options: Any) -> "Client":
        """Do what `make_client` does."""
        return Client(self, current_process())

    def stop(self) -> None:
        """Go down; whoever is subscribed is not any more."""
        self.is_up = False
        for subscriber in self.subscribers:
            subscriber.is_cut = True
            subscriber.came.set()
        self.subscribers.clear()

    def spread(self, channel: str, data: bytes) -> None:
        """Send a message to whoever has subscribed."""
        for subscriber in self.subscribers:
            if subscriber.channel == channel and subscriber.process not in self.cut_off:
                for delay in self.weather.copies(self.dice):
                    self.loop.world.later(delay, subscriber.put, "message", data)

    async def reach(self, process: Process) -> None:
        """Take a way; raises what redis-py does if there is nobody at its end."""
        arrived: asyncio.Future[None] = self.loop.create_future()
        delay = self.weather.delay(self.dice)
        if process in self.cut_off:
            delay = 1.0
        self.loop.world.later(delay, _done, arrived)
        await arrived
        if process in self.cut_off:
            raise RedisTimeoutError("timeout")
        if not self.is_up:
            raise RedisConnectionError("connection refused")


class Client:
    """What redis-py gives, as far as it is used."""

    def __init__(self, server: RedisServer, process: Process) -> None:
        self._server = server
        self._process = process

    async def ping(self) -> bool:
        """Ask for a sign of life."""
        await self._server.reach(self._process)
        return True

    async def publish(self, channel: str, data: bytes) -> int:
        """Publish a message."""
        self._server.on_publish(self._process, data)
        await self._server.reach(self._process)
        self._server.spread(channel, data)
        return 1

    def pubsub(self) -> "PubSub":
        """Begin to listen."""
        return PubSub(self._server, self._process)

    async def aclose(self) -> None:
        """End it."""


class PubSub:
    """One subscription."""

    def __init__(self, server: RedisServer, process: Process) -> None:
        self.process = process
        self.channel = ""
        self.came = asyncio.Event()
        self.is_cut = False
        self._server = server
        self._messages: deque[dict[str, Any]] = deque()

    async def subscribe(self, channel: str) -> None:
        """Hear a channel from now on."""
        await self._server.reach(self.process)
        self.channel = channel
        self._server.subscribers.append(self)
        self.put("subscribe", 1)

    def put(self, kind: str, data: Any) -> None:
        """Take a message; a reader that is too slow is cut off."""
        if len(self._messages) >= _MOST_WAITING:
            self.is_cut = True
        self._messages.append({"type": kind, "data": data})
        self.came.set()

    async def get_message(self, timeout: float) -> dict[str, Any] | None:  # noqa: ASYNC109
        """Return the next message; None after `timeout` seconds."""
        if not self._messages and not self.is_cut:
            self.came.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self.came.wait()
            except TimeoutError:
                return None
        if self.is_cut:
            raise RedisConnectionError("the connection was closed")
        return self._messages.popleft()

    async def ping(self) -> None:
        """Ask for a sign of life, which comes as a message."""
        await self._server.reach(self.process)
        self.put("pong", b"")

    async def aclose(self) -> None:
        """End it."""
        if self in self._server.subscribers:
            self._server.subscribers.remove(self)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
