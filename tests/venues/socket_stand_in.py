"""The socket of a venue that stands in for the real one: what it says is a venue's module's affair,
how it fails is here.

    async with SocketStandIn(talk).running() as venue:
        venue.freeze()                          # open, and silent for ever; not even a pong
        ...                                     # the client reconnects to `venue.url`

Laws: it only listens on 127.0.0.1; each connection runs `talk` until it returns or the client is
gone; a fault is for the connections that are open now, `refuse` for those that come.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Talk = Callable[[ServerConnection], Awaitable[None]]


@dataclass
class SocketStandIn:
    """One address of a venue's socket."""

    talk: Talk
    url: str = ""
    opened: int = 0
    """How many connections there were so far."""
    heard: list[str] = field(default_factory=list)
    """All that clients said, whichever they are."""
    handshakes: list[dict[str, str]] = field(default_factory=list)
    """Their headers."""
    refuse: HTTPStatus | None = None
    """What a handshake gets; None: it is taken."""
    live: set[ServerConnection] = field(default_factory=set)
    is_frozen: bool = False
    """Whether what clients say isn't answered; a `talk` looks at it, too."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SocketStandIn"]:
        """Listen until the block's end; `url` is set."""
        async with serve(
            self._handle, "127.0.0.1", 0, process_request=self._greet, ping_interval=None,
            close_timeout=0.1, max_queue=None,
        ) as server:  # fmt: skip
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}"
            try:
                yield self
            finally:
                self.drop()

    def drop(self) -> None:
        """Tear every connection, without a word."""
        for connection in list(self.live):
            connection.transport.abort()

    def freeze(self) -> None:
        """Leave every connection open, read nothing and say nothing."""
        self.is_frozen = True
        for connection in self.live:
            connection.transport.pause_reading()

    async def say(self, text: str) -> None:
        """Say it to everybody."""
        for connection in list(self.live):
            await connection.send(text)

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append({name.lower(): text for name, text in request.headers.raw_items()})
        return None if self.refuse is None else connection.respond(self.refuse, "no\n")

    async def _handle(self, connection: ServerConnection) -> None:
        self.opened += 1
        self.live.add(connection)
        try:
            await self.talk(connection)
        except ConnectionClosed:
            pass
        finally:
            self.live.discard(connection)
