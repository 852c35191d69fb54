"""A Redis without one: channels whose messages get lost, come twice, late and out of order, and
streams that may be forgotten or put back to an older copy.

Laws: what stands here for redis-py is the client of `persistence.relay.messages.make_client`, so
whoever publishes, subscribes, writes or reads a stream is the product's own. A command runs when it
arrives, whatever has become of its sender meanwhile; its answer may get lost: then nobody knows.
What is published is told to `on_publish` when it leaves its process. Streams are `redis_streams`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from persistence.relay.messages import COMMAND_TIMEOUT_S
from tests.faults.simulation.redis_streams import NoStream, Streams
from tests.faults.simulation.virtual_loop import Process, VirtualLoop, current_process
from tests.faults.simulation.weather import Weather

_MOST_WAITING: Final = 1_000
_SCRIPT: Final = "of the writer"
Fields = dict[bytes, bytes]


class RedisServer:
    """Redis' machine."""

    def __init__(self, loop: VirtualLoop, dice: Random, weather: Weather) -> None:
        self.loop = loop
        self.dice = dice
        self.weather = weather
        self.is_up = True
        self.knows_script = False
        self.cut_off: set[Process] = set()
        """Processes that can't reach it, nor be reached by it."""
        self.on_publish: Callable[[Process, bytes], None] = lambda *_: None
        self.subscribers: list[PubSub] = []
        self.streams = Streams(loop.time)
        self.copy = self.streams.copy()
        """What would be found after the next start with old data."""

    def client(self, _url: str, **_options: Any) -> "Client":
        """Do what `make_client` does."""
        return Client(self, current_process())

    def stop(self) -> None:
        """Go down; whoever is subscribed is not any more, and scripts are forgotten."""
        self.is_up = self.knows_script = False
        for subscriber in self.subscribers:
            subscriber.is_cut = True
            subscriber.came.set()
        self.subscribers.clear()

    def spread(self, channel: str, data: bytes) -> int:
        """Send a message to whoever has subscribed."""
        heard = [one for one in self.subscribers if one.channel == channel]
        for subscriber in heard:
            if subscriber.process not in self.cut_off:
                for delay in self.weather.copies(self.dice):
                    self.loop.world.later(delay, subscriber.put, "message", data)
        return len(heard)

    async def ask(self, process: Process, work: Callable[[], Any]) -> Any:
        """Let it do something when that arrives; raises what redis-py does if no answer comes."""
        answered: asyncio.Future[Any] = self.loop.create_future()
        delay = self.weather.delay(self.dice)
        self.loop.world.later(delay, self._arrive, process, work, answered)
        return await answered

    def _arrive(
        self, process: Process, work: Callable[[], Any], answered: "asyncio.Future[Any]"
    ) -> None:
        if process in self.cut_off:
            late = RedisTimeoutError("timeout")
            self.loop.world.later(COMMAND_TIMEOUT_S, _fail, answered, late)
            return
        gone = RedisConnectionError("the connection was closed")
        if not self.is_up or self.weather.breaks(self.dice):
            _fail(answered, gone)
            return
        try:
            result = work()
        except (NoScriptError, ResponseError) as error:
            _fail(answered, error)
            return
        back = self.weather.delay(self.dice)
        if self.weather.breaks(self.dice):
            self.loop.world.later(back, _fail, answered, gone)
        else:
            self.loop.world.later(back, _settle, answered, result)


class Client:
    """What redis-py gives, as far as it is used."""

    def __init__(self, server: RedisServer, process: Process) -> None:
        self._server = server
        self._process = process

    async def _ask(self, work: Callable[[], Any]) -> Any:
        return await self._server.ask(self._process, work)

    async def ping(self) -> bool:
        """Ask for a sign of life."""
        await self._ask(lambda: None)
        return True

    async def publish(self, channel: str, data: bytes) -> int:
        """Publish a message."""
        self._server.on_publish(self._process, data)
        heard: int = await self._ask(lambda: self._server.spread(channel, data))
        return heard

    async def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish messages that go together; none of them needs the others."""
        spread = self._server.spread
        await self._ask(lambda: [spread(channel, data) for channel, data in messages])

    def pubsub(self) -> "PubSub":
        """Begin to listen."""
        return PubSub(self._server, self._process)

    async def aclose(self) -> None:
        """End it."""

    # -- streams ---------------------------------------------------------------------------------

    async def script_load(self, _text: str) -> str:
        """Remember the one script there is: the writer's."""

        def load() -> str:
            self._server.knows_script = True
            return _SCRIPT

        name: str = await self._ask(load)
        return name

    async def evalsha(self, _name: str, _keys: int, key: str, bound: str, *bodies: bytes) -> Any:
        """Add entries, if the script is known."""

        def add() -> list[bytes]:
            if not self._server.knows_script:
                raise NoScriptError("NOSCRIPT")
            return self._server.streams.add_within(key, int(bound), bodies)

        return await self._ask(add)

    async def eval(self, _text: str, _keys: int, key: str, bound: str, *bodies: bytes) -> Any:
        """Add entries."""
        return await self._ask(lambda: self._server.streams.add_within(key, int(bound), bodies))

    async def xadd(self, key: str, fields: Fields, *, id: str) -> bytes:  # noqa: A002 - redis-py's
        """Add an entry under an id, and make the stream if need be."""
        added: bytes = await self._ask(lambda: self._server.streams.add(key, fields, id))
        return added

    async def xread(self, streams: dict[str, str], *, count: int, block: int) -> Any:
        """Return entries behind an id; wait for one for `block` milliseconds."""
        ((key, after),) = streams.items()

        def read() -> list[tuple[bytes, Fields]]:
            return self._server.streams.behind(key, after, count)

        found = await self._ask(read)
        if not found:
            came = self._server.streams.came(key)
            try:
                async with asyncio.timeout(block / 1_000):
                    await came.wait()
            except TimeoutError:
                return []
            found = await self._ask(read)
        return [[key.encode(), found]] if found else []

    async def xinfo_stream(self, key: str) -> dict[str, Any]:
        """Return the last id that was given out."""

        def about() -> dict[str, Any]:
            try:
                return {"last-generated-id": self._server.streams.last(key)}
            except NoStream:
                raise ResponseError("no such key") from None

        told: dict[str, Any] = await self._ask(about)
        return told

    async def xtrim(self, key: str, *, minid: str, approximate: bool) -> None:
        """Take out what lies before an id."""
        assert not approximate
        await self._ask(lambda: self._server.streams.trim(key, minid))

    async def expire(self, key: str, seconds: int) -> None:
        """Let a stream go after so long."""
        await self._ask(lambda: self._server.streams.expire(key, seconds))

    async def delete(self, key: str) -> None:
        """Take a stream away."""
        await self._ask(lambda: self._server.streams.delete(key))


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
        self.channel = channel
        await self._server.ask(self.process, lambda: self._server.subscribers.append(self))
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
        await self._server.ask(self.process, lambda: None)
        self.put("pong", b"")

    async def aclose(self) -> None:
        """End it."""
        if self in self._server.subscribers:
            self._server.subscribers.remove(self)


def _settle(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()
