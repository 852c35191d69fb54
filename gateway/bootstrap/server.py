"""The web server: uvicorn, set up for trading, and an end that drains first.

Signals are ours: uvicorn would raise them again after its own shutdown, and what has to be closed
after it (engine, pool, embedded database) would never be. The first signal drains, a second one
ends at once.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from gateway.access.client_address import ClientAddresses
from gateway.access.connections import RECEIVED_MAX_BYTES, OpenConnections, deadlines
from gateway.access.turns import Bounds, Turns
from gateway.bootstrap.settings import Settings
from gateway.engine_side.readiness import Readiness
from gateway.http.reading.budget import HttpLimits
from gateway.http.reading.connection import http_connection
from gateway.sockets.framing.transport import TransportLimits, socket_transport

BACKLOG: Final = 2_048
PATIENCE_S: Final = 10.0
"""So long a process that isn't ready leaves an address to those it shares it with."""
_LOOK_S: Final = 0.05
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Drain = Callable[[], Awaitable[None]]


class Server(uvicorn.Server):
    """uvicorn's server with our signals and our draining."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drains: list[Drain]) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drains = drains

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `StopSignal`."""
        yield

    def end(self) -> None:
        """Ask the server to end."""
        self.should_exit = True

    @contextlib.asynccontextmanager
    async def serving_also(
        self, sockets: Sequence[socket.socket], is_ready: Callable[[], bool]
    ) -> AsyncIterator[None]:
        """Serve further addresses while the block serves its own, as soon as `is_ready` says so or
        after `PATIENCE_S`: who shares an address with others leaves it to them until then, and an
        outage keeps nobody from it.
        """
        joining = asyncio.create_task(self._serve_also(sockets, is_ready))
        # Without them the process would be there for nobody.
        joining.add_done_callback(self._end_if_failed)
        try:
            yield
        finally:
            joining.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await joining

    def _end_if_failed(self, joining: "asyncio.Task[None]") -> None:
        if not joining.cancelled() and joining.exception() is not None:
            self.end()

    async def _serve_also(
        self, sockets: Sequence[socket.socket], is_ready: Callable[[], bool]
    ) -> None:
        loop, config = asyncio.get_running_loop(), self.config
        deadline = loop.time() + PATIENCE_S
        while not (self.started and (is_ready() or loop.time() >= deadline)):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)

        def create_protocol() -> asyncio.Protocol:
            # As uvicorn's own `startup` makes it.
            protocol: Any = config.http_protocol_class
            state = self.lifespan.state
            made: asyncio.Protocol = protocol(
                config=config, server_state=self.server_state, app_state=state
            )
            return made

        for shared in sockets:
            served = await loop.create_server(create_protocol, sock=shared, backlog=BACKLOG)
            self.servers.append(served)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop taking work, say goodbye to sockets, then let uvicorn end its connections."""
        self._readiness.drain()
        for drain in self._drains:
            await drain()
        await super().shutdown(sockets)


class StopSignal:
    """Turns SIGINT and SIGTERM into the end of a server, whenever they come."""

    def __init__(self) -> None:
        self.is_set = False
        self.on_signal: Callable[[], object] | None = None
        """What ends a start that there is no server yet to end."""
        self._server: Server | None = None

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Listen to the signals while the block runs."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def ends(self, server: Server) -> None:
        """Say which server is to end; at once if the signal has come already."""
        self._server = server
        server.should_exit = server.should_exit or self.is_set

    def _signalled(self) -> None:
        if self._server is not None:
            self._server.force_exit = self.is_set
            self._server.should_exit = True
        self.is_set = True
        if self.on_signal is not None:
            self.on_signal()


def _uncounted() -> None:
    """Hear of a request that was shed, where nothing counts them."""


def make_server(
    application: ASGIApp,
    settings: Settings,
    readiness: Readiness,
    drains: list[Drain],
    ended: Callable[[str], None],
    shed: Callable[[], None] = _uncounted,
) -> Server:
    """Return a server that is ready to run.

    `ended` hears why connections are ended early, `shed` of each request there is no time for.
    """
    http, sockets = settings.http, settings.sockets
    seconds = state_seconds(settings)
    connections = OpenConnections(
        http.connections_per_address, ClientAddresses(http.trusted_proxies)
    )
    turns = Turns(Bounds(http.overload_wait_ms / 1_000, http.overload_waiting_max))
    http_limits = HttpLimits(
        head_max_bytes=http.head_max_bytes,
        body_max_bytes=http.body_max_bytes,
        seconds=seconds,
        connections=connections,
        ended=ended,
        turns=turns,
        shed=shed,
        origins=http.cors_origin,
    )
    socket_limits = TransportLimits(
        seconds=seconds,
        other_frames_max=sockets.other_frames_max,
        connections=connections,
        ended=ended,
        turns=turns,
    )
    config = uvicorn.Config(
        application,
        host=settings.listen.host,
        port=settings.listen.port,
        loop="uvloop",
        http=http_connection(http_limits),
        ws=socket_transport(socket_limits),
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        # Who the client is, is decided by `access/client_address.py` alone.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.listen.shutdown_timeout_seconds,
        ws_max_size=sockets.frame_max_bytes,
        # Engine.IO's pings find a peer that is gone; two kinds would be two deadlines.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
    )
    return Server(config, readiness, drains)


def state_seconds(settings: Settings) -> tuple[float, ...]:
    """Return the deadline of each state of a connection, by its number."""
    http, sockets = settings.http, settings.sockets
    return deadlines(
        {
            "REQUEST_HEAD_TIMEOUT_SECONDS": http.head_timeout_seconds,
            "REQUEST_BODY_TIMEOUT_SECONDS": http.body_timeout_seconds,
            "REQUEST_ANSWER_TIMEOUT_SECONDS": http.answer_timeout_seconds,
            "ANSWER_READ_TIMEOUT_SECONDS": http.read_timeout_seconds,
            "HTTP_KEEP_ALIVE_SECONDS": http.keep_alive_seconds,
            "SHUTDOWN_TIMEOUT_SECONDS": settings.listen.shutdown_timeout_seconds,
            "SOCKET_CONNECT_TIMEOUT_SECONDS": sockets.connect_timeout_seconds,
            "SOCKET_PING_INTERVAL_SECONDS": sockets.ping_interval_seconds,
            "SOCKET_PING_TIMEOUT_SECONDS": sockets.ping_timeout_seconds,
        }
    )


def bind(settings: Settings) -> socket.socket:
    """Return the listening socket; OSError if the address is taken."""
    family = socket.AF_INET6 if ":" in settings.listen.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What it accepts inherits it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_MAX_BYTES)
        listening.bind((settings.listen.host, settings.listen.port))
    except OSError:
        listening.close()
        raise
    return listening
