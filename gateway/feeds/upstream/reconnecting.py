"""The one way a venue's socket is held open.

    async with aclosing(socket.heard()) as heard:
        async for told in heard:
            match told:
                case Opened():  ...        # subscribe, by `send`
                case str():     ...        # a message
                case Closed():  ...        # what came since the last message is lost; it goes on

Laws: it reconnects by itself for as long as it is iterated, after pauses that double up to a bound
with jitter; a connection that did what it is for over `well_s` begins with the first pause again.
A connection that is open and silent is as good as closed: nothing heard for `silent_s`, not even a
pong, ends it, and so does its user, who alone knows when data is overdue. A message has a bound;
a reader that is slow holds the venue back by TCP, so nothing piles up here; a venue that floods is
left for a pause, since each message costs the event loop time.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from gateway.feeds.venue import Condition, VenueRefused, VenueUnavailable
from gateway.jobs.supervisor import Clock, LoopClock
from gateway.observability.logs import Logger
from gateway.observability.metrics import UpstreamMetrics

Headers = Callable[[], Awaitable[Mapping[str, str]]]
Overdue = Callable[[float], str | None]
"""Given how many seconds ago the last data came: why that is too long, or None."""

ENDPOINT: Final = "socket"
_TURN_S: Final = 0.002
"""After so long others get their turn, however many messages wait."""
_LOOK_S: Final = 0.25
"""So often somebody looks whether something is overdue."""
_QUEUE: Final = 16
_MICROSECONDS: Final = 1_000_000
_REASON_MAX: Final = 120


class SocketBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What holding a socket open may cost; seconds and bytes."""

    open_s: float = 10.0
    ping_s: float = 10.0
    silent_s: float = 25.0
    close_s: float = 1.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 60.0
    well_s: float = 60.0
    message_bytes: int = 4 << 20
    flood_per_s: int = 5_000
    """More messages in a second end the connection."""


class Opened(msgspec.Struct, frozen=True):
    """A new connection: nothing is subscribed yet."""


class Closed(msgspec.Struct, frozen=True):
    """The connection is gone, or none came about."""

    reason: str


class _Ended(Exception):
    """We end the connection; `result` is a label."""

    def __init__(self, result: str, message: str) -> None:
        super().__init__(message)
        self.result = result


class Reconnecting:
    """One socket of a venue."""

    def __init__(
        self,
        platform: str,
        url: str,
        metrics: UpstreamMetrics,
        logger: Logger,
        *,
        overdue: Overdue,
        headers: Headers | None = None,
        ping: str | None = None,
        pong: str | None = None,
        bounds: SocketBounds | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Open nothing yet; `ping` and `pong` are messages, of a venue whose pings are none of the
        protocol's.
        """
        self._platform = platform
        self._url = url
        self._meter = metrics.register(platform, [ENDPOINT])
        self._logger = logger
        self._overdue = overdue
        self._headers = headers
        self._ping = ping
        self._pong = pong
        self._bounds = bounds or SocketBounds()
        self._clock = clock or LoopClock()
        self._connection: ClientConnection | None = None
        self._counts: dict[str, int] = {}
        self._failures = 0
        self._last_data: int | None = None
        self._last_error: str | None = None
        self._last_error_at: int | None = None

    async def heard(self) -> AsyncGenerator[Opened | Closed | str, None]:
        """Yield what happens, until closed or cancelled."""
        pause = self._bounds.first_pause_s
        while True:
            begun = self._clock.monotonic()
            result, reason = "unreachable", ""
            try:
                connection = await self._open()
            except (VenueUnavailable, VenueRefused) as error:
                reason = str(error)
            except InvalidStatus as error:
                result, reason = "refused", f"status {error.response.status_code}"
            except (OSError, TimeoutError, WebSocketException) as error:
                reason = type(error).__name__
            else:
                self._count("opened")
                self._connection = connection
                pinging = asyncio.create_task(self._keep_pinging(connection))
                try:
                    yield Opened()
                    async for message in self._messages(connection):
                        yield message
                except _Ended as ended:
                    result, reason = ended.result, str(ended)
                except ConnectionClosed as error:
                    result, reason = "dropped", str(error)
                finally:
                    self._connection = None
                    pinging.cancel()
                    # No farewell for whoever doesn't read: what is lost is lost.
                    connection.transport.abort()
                if self._clock.monotonic() - begun >= self._bounds.well_s:
                    pause, self._failures = self._bounds.first_pause_s, 0
            self._note(result, reason)
            yield Closed(reason)
            await self._clock.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not secret
            pause = min(2 * pause, self._bounds.longest_pause_s)

    async def send(self, messages: Sequence[str]) -> bool:
        """Send these if there is a connection, and say whether; a loss shows in `heard`."""
        connection = self._connection
        if connection is None:
            return False
        try:
            async with asyncio.timeout(self._bounds.silent_s):
                for message in messages:
                    await connection.send(message)
        except (ConnectionClosed, TimeoutError):
            connection.transport.abort()
            return False
        return True

    def condition(self) -> Condition:
        """Return how things stand with this socket."""
        return Condition(
            name=f"{urlsplit(self._url).hostname} ({ENDPOINT})",
            last_success_at=self._last_data,
            last_error=self._last_error,
            last_error_at=self._last_error_at,
            failures=self._failures,
            breaker="closed" if self._connection is not None else "open",
            counts=dict(self._counts),
        )

    async def _open(self) -> ClientConnection:
        headers = {} if self._headers is None else await self._headers()
        bounds = self._bounds
        return await connect(
            self._url,
            additional_headers=headers,
            compression=None,
            proxy=True if self._url.startswith("wss:") else None,
            open_timeout=bounds.open_s,
            close_timeout=bounds.close_s,
            ping_interval=bounds.ping_s,
            ping_timeout=bounds.silent_s,
            max_size=bounds.message_bytes,
            max_queue=_QUEUE,
        )

    async def _messages(self, connection: ClientConnection) -> AsyncIterator[str]:
        """Yield messages; raises _Ended and ConnectionClosed."""
        second = data_at = heard_at = turn = self._clock.monotonic()
        in_second = 0
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    message = await connection.recv()
            except TimeoutError:
                self._check(data_at, heard_at)
                continue
            now = heard_at = self._clock.monotonic()
            if now - turn >= _TURN_S:
                await asyncio.sleep(0)
                turn = self._clock.monotonic()
            if now - second >= 1:
                second, in_second = now, 0
                self._check(data_at, heard_at)
            in_second += 1
            if in_second > self._bounds.flood_per_s:
                raise _Ended("flood", "more messages than anybody can read")
            if isinstance(message, bytes):
                raise _Ended("malformed", "binary message")
            if message == self._pong:
                continue
            data_at = now
            self._count("messages", metric=False)
            wall = self._clock.wall()
            if self._last_data is None or wall - self._last_data / _MICROSECONDS >= 1:
                self._last_data = int(wall * _MICROSECONDS)
                self._meter.succeeded(wall)
            yield message

    def _check(self, data_at: float, heard_at: float) -> None:
        now = self._clock.monotonic()
        if self._ping is not None and now - heard_at > self._bounds.silent_s:
            raise _Ended("silent", "nothing heard, not even a pong")
        if (why := self._overdue(now - data_at)) is not None:
            raise _Ended("frozen", why)

    async def _keep_pinging(self, connection: ClientConnection) -> None:
        while self._ping is not None:
            await self._clock.sleep(self._bounds.ping_s)
            try:
                await connection.send(self._ping)
            except ConnectionClosed:
                return

    def _count(self, result: str, *, metric: bool = True) -> None:
        self._counts[result] = self._counts.get(result, 0) + 1
        if metric:
            self._meter.asked(ENDPOINT, result)

    def _note(self, result: str, reason: str) -> None:
        self._failures += 1
        self._count(result)
        self._last_error = f"{result}: {reason}"[:_REASON_MAX]
        self._last_error_at = int(self._clock.wall() * _MICROSECONDS)
        if self._failures == 1:
            self._logger.warning("venue's socket lost", platform=self._platform, result=result)
