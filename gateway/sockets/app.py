"""The door of the sockets at /ws and /socket.io: who may open one, and how all of them end.

Only WebSocket connections are taken; a client that tries long-polling is told so by a connect
error. Before the handshake an origin that isn't ours or listed in CORS_ORIGIN is refused, and so is
an address that opens far too many sockets; one that opens too many is let in, because only what
comes behind a handshake reaches the user of a client, and is told so unless somebody signs in.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, Protocol

import msgspec
from starlette.types import Message, Receive, Scope, Send

from exchange.model.state import State
from gateway.access.client_address import ClientAddresses
from gateway.engine_side.readiness import ViewFeed
from gateway.http.responses import send_body, send_error
from gateway.jobs.supervisor import CheckIn, Supervisor
from gateway.sockets.library import SocketLibrary
from gateway.sockets.link import GOING_AWAY, RELOADED, SHUTTING_DOWN
from gateway.sockets.server import ADDRESS, REFUSAL, SocketServer
from gateway.sockets.settings import SocketSettings
from gateway.wire.errors import ApiError, Detail, Forbidden, Unavailable, ValidationFailed

WEBSOCKET_ONLY: Final = (
    'sockets take the websocket transport only: io(url, {path: "/ws", transports: ["websocket"]})'
)
DRAIN_SECONDS: Final = 3.0
HEART_PAUSE_S: Final = 2.0
"""At most so long no heart beats after one has failed."""
_DRAIN_LOOK_SECONDS: Final = 0.005
_CONNECT_ERROR: Final = msgspec.json.encode(
    {"message": WEBSOCKET_ONLY, "data": {"code": ValidationFailed.code, "message": WEBSOCKET_ONLY}}
)
# A client hides the body of a failed poll from its user, but not a Socket.IO connect error. So a
# first poll gets a handshake for a session that doesn't exist, with the refusal right behind it.
_POLLING_ANSWER: Final = b"\x1e".join(
    (
        b'0{"sid":"none","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":32768}',
        b"44" + _CONNECT_ERROR,
        b"44/ws," + _CONNECT_ERROR,
    )
)
_EXTENSION: Final = "websocket.http.response"


class Heart(Protocol):
    """What beats for all sockets (`streaming/heartbeat.py`)."""

    def beat(self, now: float) -> None:
        """Tell every session where it stands; `now` of the event loop's clock, in seconds."""

    async def run(self, check_in: CheckIn) -> None:
        """Beat until cancelled."""


class SocketApp:
    """An ASGI application that serves sockets."""

    def __init__(
        self,
        server: SocketServer,
        settings: SocketSettings,
        addresses: ClientAddresses,
        origins: tuple[str, ...],
        heart: Heart,
    ) -> None:
        self.server = server
        self.heart = heart
        self.library = SocketLibrary(server, settings)
        self._addresses = addresses
        self._origins = origins
        self._draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from its handshake to its end."""
        if scope["type"] != "websocket":
            await _refuse_http(scope, send)
            return
        headers = dict(scope["headers"])
        address, _ = self._addresses.find(scope, headers)
        try:
            if self._draining:
                raise Unavailable(SHUTTING_DOWN)
            self._check_origin(headers)
            scope[REFUSAL] = self.server.limits.opened(address)
        except ApiError as error:
            self.server.count_refusal(error)
            await _refuse(scope, send, error)
            return
        scope[ADDRESS] = address
        await self.library.handle_request(scope, receive, send)

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        """Raise Forbidden for a page of another site; programs send no origin."""
        origin = headers.get(b"origin", b"").decode("latin-1")
        allowed = self._origins
        if not origin or "*" in allowed or origin in allowed:
            return
        host = headers.get(b"host", b"").decode("latin-1")
        if origin.partition("://")[2] != host:
            raise Forbidden("This origin may not open a socket")

    def disconnect_all(self, _view: State) -> None:
        """Let every client connect again and read everything anew: something was missed."""
        for link in list(self.server.links):
            link.close(RELOADED, GOING_AWAY)

    async def drain(self) -> None:
        """Take nothing more, let what was taken be answered, and say goodbye to all sockets.

        A reader that doesn't take its answers in `DRAIN_SECONDS` loses them.
        """
        self._draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DRAIN_SECONDS
        for link in self.server.links:
            link.is_draining = True
        while any(link.is_busy for link in self.server.links):
            if loop.time() > deadline:
                break
            await asyncio.sleep(_DRAIN_LOOK_SECONDS)
        for link in list(self.server.links):
            link.close(SHUTTING_DOWN, GOING_AWAY)


@contextlib.asynccontextmanager
async def open_sockets(
    app: SocketApp, feed: ViewFeed, supervisor: Supervisor
) -> AsyncIterator[SocketApp]:
    """Yield the application with its heart beating; end every socket at the end."""
    feed.on_stale.append(lambda _: app.heart.beat(asyncio.get_running_loop().time()))
    feed.on_reload.append(app.disconnect_all)
    try:
        async with supervisor.running("heartbeat", app.heart.run, longest_pause_s=HEART_PAUSE_S):
            yield app
    finally:
        await app.drain()


async def _refuse_http(scope: Scope, send: Send) -> None:
    """Tell a client that speaks HTTP to use WebSockets."""
    query = scope["query_string"].split(b"&")
    if b"transport=polling" in query and not any(part.startswith(b"sid=") for part in query):
        await send_body(send, 200, b"text/plain; charset=UTF-8", _POLLING_ANSWER)
    else:
        detail = Detail("transport", WEBSOCKET_ONLY)
        await send_error(send, ValidationFailed(WEBSOCKET_ONLY, details=(detail,)), "")


async def _refuse(scope: Scope, send: Send, error: ApiError) -> None:
    """Answer a handshake with the HTTP status of a failure."""
    if _EXTENSION not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return

    async def send_response(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    await send_error(send_response, error, "")
