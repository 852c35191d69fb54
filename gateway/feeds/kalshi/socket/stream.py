"""One connection to Kalshi's socket, held open, as a stream of the feed.

Laws: signed anew for each connection, since a signature is of its time; commands go out one after
another, those of a connection that is gone never; what the protocol finds wrong ends the
connection, and the next one subscribes to everything again.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.feeds.kalshi.markets import PLATFORM
from gateway.feeds.kalshi.sessions import Session
from gateway.feeds.kalshi.socket.protocol import SocketProtocol
from gateway.feeds.kalshi.socket.subscriptions import SocketFailed
from gateway.feeds.model import VenueMarket
from gateway.feeds.upstream.reconnecting import Closed, Opened, Reconnecting, SocketBounds
from gateway.feeds.venue import Condition, StreamEvent, VenueRefused, VenueUnavailable
from gateway.jobs.supervisor import Clock
from gateway.observability.logs import Logger
from gateway.observability.metrics import UpstreamMetrics

LOOK_S: Final = 1.0
"""So often somebody looks for what is overdue."""
_UNAUTHORIZED: Final = "status 401"


class KalshiStream:
    """What happens to the watched markets."""

    def __init__(
        self,
        url: str,
        session: Session,
        skew_s: Callable[[], int | None],
        metrics: UpstreamMetrics,
        logger: Logger,
        clock: Clock,
        bounds: SocketBounds | None = None,
    ) -> None:
        """Open nothing yet; `skew_s` tells how far the venue's clock is ahead of ours."""
        self._path = urlsplit(url).path
        self._session = session
        self._skew_s = skew_s
        self._metrics = metrics
        self._clock = clock
        self._protocol = SocketProtocol()
        self._failure: str | None = None
        self._generation = session.generation
        self._turn = asyncio.Lock()
        self._socket = Reconnecting(
            PLATFORM, url, metrics, logger, overdue=self._overdue, headers=self._headers,
            bounds=bounds, clock=clock,
        )  # fmt: skip
        self.is_open = False
        """Whether somebody iterates it."""

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield what happens to the watched markets until cancelled."""
        self.is_open = True
        looking = asyncio.create_task(self._keep_looking())
        try:
            async with aclosing(self._socket.heard()) as heard:
                async for told in heard:
                    await self._hear(told)
                    for event in self._protocol.take_events():
                        yield event
        finally:
            looking.cancel()
            self.is_open = False

    async def watch(self, markets: Collection[VenueMarket]) -> None:
        """Watch these too; of each a `BookSnapshot` comes first."""
        tickers = [market.external_id for market in markets]
        self._protocol.watch(tickers, self._clock.monotonic())
        await self._send()

    async def unwatch(self, external_ids: Collection[str]) -> None:
        """Watch these no longer."""
        self._protocol.unwatch(external_ids, self._clock.monotonic())
        await self._send()

    def condition(self) -> Condition:
        """Return how things stand with it, with what was heard, lost and repeated."""
        found = self._socket.condition()
        return msgspec.structs.replace(found, counts={**found.counts, **self._protocol.counts})

    async def _hear(self, told: Opened | Closed | str) -> None:
        now = self._clock.monotonic()
        match told:
            case Opened():
                self._failure = None
                self._protocol.connected(now)
            case Closed(reason):
                self._protocol.disconnected(now)
                if reason == _UNAUTHORIZED:
                    await self._renew()
            case _ if self._failure is None:
                try:
                    self._protocol.receive(told, now)
                except SocketFailed as error:
                    self._failure = str(error)
                self._count_refused()
        await self._send()

    async def _send(self) -> None:
        """Send what the protocol wants to say."""
        async with self._turn:
            if commands := self._protocol.take_commands():
                await self._socket.send(commands)

    async def _keep_looking(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            try:
                self._protocol.look(self._clock.monotonic())
            except SocketFailed as error:
                self._failure = str(error)
            await self._send()

    def _overdue(self, _: float) -> str | None:
        return self._failure

    async def _headers(self) -> Mapping[str, str]:
        self._generation = self._session.generation
        return await self._session.headers("GET", self._path)

    async def _renew(self) -> None:
        """Get a new login, or the venue's time, for the next connection."""
        try:
            await self._session.renew(self._generation, self._skew_s())
        except (VenueUnavailable, VenueRefused):
            # It stands in the login's condition; the next connection tries again.
            return

    def _count_refused(self) -> None:
        for reason in self._protocol.refused:
            self._metrics.unrepresentable.labels(PLATFORM, reason).inc()
        self._protocol.refused.clear()
