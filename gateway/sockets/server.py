"""Socket.IO: python-socketio's handshake and namespaces, with our own way in and out of a socket.

The only module that imports `socketio` and `engineio` (untyped). Theirs is what happens once a
socket: the handshake, joining and leaving a namespace. Ours is what happens a thousand times a
second: in theirs every socket has an unbounded queue with a task behind it, an emit makes a task
per recipient, every event another one, and a client can send `connect` as an event. Here events
are read and answered in one step (`sockets/events.py`) and frames go out by `sockets/outbound.py`.

The subclasses replace, in the versions pinned by the lock file:
    engineio.AsyncServer._handle_connect   make `_EngineSocket` instead of theirs
    engineio.AsyncSocket.send, .close      through the link instead of their queue
    socketio.AsyncServer._handle_eio_message   events by our table, the rest is theirs
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, cast

import engineio
import msgspec
import socketio
from engineio import packet as engine_packet
from engineio.async_socket import AsyncSocket
from socketio.exceptions import ConnectionRefusedError as ConnectionRefused
from starlette.types import Receive

from gateway.access.principals import Principal
from gateway.sockets.events import handle, handle_binary, verified
from gateway.sockets.frames import NAMESPACES, event_head, text_frame
from gateway.sockets.link import BROKEN_FRAME, SocketLink
from gateway.sockets.outbound import TurnEnd
from gateway.sockets.services import SocketServices
from gateway.sockets.session import SocketSession
from gateway.sockets.transport import transport_of
from gateway.trading.socket_events import ALL_EVENTS
from gateway.wire.errors import ApiError, DatabaseAway, InternalError, Unauthorized
from persistence.postgres.database import OUTAGES

PROTOCOL_ERROR: Final = 1002
ADDRESS: Final = "probity.address"
"""The scope's key of the client's address, counted already."""
_LINK: Final = "probity.link"
_SILENT: Final = logging.getLogger("gateway.socketio")
_SILENT.setLevel(logging.CRITICAL)


class _Json:
    """msgspec in the place of the standard `json`; refuses NaN and the like."""

    @staticmethod
    def dumps(value: object, **_options: object) -> str:
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str, **_options: object) -> object:
        return msgspec.json.decode(text)


class _EngineSocket(AsyncSocket):  # type: ignore[misc]
    """One WebSocket connection: reads until the end, writes by its link."""

    link: SocketLink

    async def serve(self, environ: dict[str, Any], server: "SocketServer") -> None:
        """Accept the connection and read it until it ends."""
        scope = environ["asgi.scope"]
        await environ["asgi.send"]({"type": "websocket.accept"})
        self.connected = self.upgraded = True
        self.link = server.open_link(scope)
        environ[_LINK] = self.link
        try:
            await self.send(engine_packet.Packet(engine_packet.OPEN, server.greeting(self.sid)))
            server.environ[self.sid] = environ
            await self._read(environ["asgi.receive"], server)
        finally:
            self.closed = True
            await server.forget(self.sid, self.link)

    async def _read(self, receive: Receive, server: "SocketServer") -> None:
        """Read what `SocketServer.take` leaves, until the end."""
        link = self.link
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None or not link.is_open:
                continue  # binary attachments: their event was refused already
            kind = text[:1]
            if kind == "4":
                await server.receive(self.sid, link, text[1:])
            elif kind == "3":
                link.pong(asyncio.get_running_loop().time())
            elif kind == "1":
                return
            elif kind not in ("2", "5", "6", "b") or not kind:
                link.close(BROKEN_FRAME, PROTOCOL_ERROR)

    async def send(self, pkt: engine_packet.Packet) -> None:
        """Queue one of the library's own packets."""
        self.link.outbound.push(text_frame(pkt.encode().encode()))

    async def close(
        self,
        wait: bool = True,  # noqa: ARG002 - theirs
        abort: bool = False,  # noqa: ARG002 - theirs
        reason: str | None = None,
    ) -> None:
        """End the socket at the library's wish."""
        self.link.close(reason or "closed")


class _Engine(engineio.AsyncServer):  # type: ignore[misc]
    """Makes our sockets."""

    owner: "SocketServer"

    async def _handle_connect(
        self, environ: dict[str, Any], _transport: str, _jsonp_index: int | None = None
    ) -> str:
        sid: str = self.generate_id()
        socket = self.sockets[sid] = _EngineSocket(self, sid)
        try:
            await socket.serve(environ, self.owner)
        finally:
            self.sockets.pop(sid, None)
        return ""


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """Every socket of the process."""

    def __init__(self, services: SocketServices) -> None:
        settings = services.settings
        super().__init__(
            async_mode="asgi",
            json=_Json,
            logger=_SILENT,
            engineio_logger=_SILENT,
            namespaces=list(NAMESPACES),
            transports=["websocket"],
            allow_upgrades=False,
            # `sockets/app.py` judges origins before a connection comes here.
            cors_allowed_origins=[],
            max_http_buffer_size=settings.socket_frame_max_bytes,
            ping_interval=settings.socket_ping_interval_seconds,
            ping_timeout=settings.socket_ping_timeout_seconds,
            # One task pings and times out all sockets (`streaming/heartbeat.py`).
            monitor_clients=False,
        )
        self.eio.owner = self
        self.services = services
        self._turn_end = TurnEnd()
        self.links: dict[SocketLink, None] = {}
        for namespace in NAMESPACES:
            self.on("connect", self._connector(namespace), namespace=namespace)
        services.auth.on_revoked.append(self._revoked)

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine

    # -- a socket's life ----------------------------------------------------------------------

    def open_link(self, scope: dict[str, Any]) -> SocketLink:
        """Return the link of a connection that was just accepted."""
        services = self.services
        settings = services.settings
        transport = transport_of(scope["extensions"])
        link = SocketLink(
            transport,
            scope[ADDRESS],
            settings.socket_send_queue_size,
            settings.socket_connect_timeout_seconds,
            self._turn_end,
            services.metrics.slow_consumers_closed.inc,
        )
        transport.read_by(partial(self.take, link))
        self.links[link] = None
        services.metrics.sockets.set(len(self.links))
        return link

    async def forget(self, sid: str, link: SocketLink) -> None:
        """Undo everything of a connection that has ended."""
        link.ended()
        self.links.pop(link, None)
        self.services.metrics.sockets.set(len(self.links))
        await self._handle_eio_disconnect(sid, self.reason.TRANSPORT_CLOSE)

    def greeting(self, sid: str) -> dict[str, Any]:
        """Return what Engine.IO's handshake says."""
        settings = self.services.settings
        return {
            "sid": sid,
            "upgrades": [],
            "pingInterval": int(settings.socket_ping_interval_seconds * 1_000),
            "pingTimeout": int(settings.socket_ping_timeout_seconds * 1_000),
            "maxPayload": settings.socket_frame_max_bytes,
        }

    def principals(self) -> list[Principal]:
        """Return who is signed in on any socket."""
        members = (member for room in self.services.rooms.users.values() for member in room.members)
        found = (cast("SocketSession", member).principal for member in members)
        return [principal for principal in found if principal is not None]

    def _revoked(self, user_id: int, session_id: int) -> None:
        room = self.services.rooms.users.get(user_id)
        for member in () if room is None else list(room.members):
            cast("SocketSession", member).revoked(session_id)

    # -- what a client sends ------------------------------------------------------------------

    def take(self, link: SocketLink, text: str) -> bool:
        """Handle a frame in the step in which it was read, if it is an event; say if it was."""
        if not text.startswith("42"):
            return False
        if link.is_open:
            self._event(link, text[2:], is_binary=False)
        return True

    async def receive(self, sid: str, link: SocketLink, packet: str) -> None:
        """Take one Socket.IO packet; waits only for a namespace that is being connected."""
        kind = packet[:1]
        if kind == "2":
            self._event(link, packet[1:], is_binary=False)
        elif kind == "5":
            self._event(link, packet[1:].partition("-")[2], is_binary=True)
        elif kind in ("0", "1"):
            try:
                await self._handle_eio_message(sid, packet)
            except Exception:  # noqa: BLE001 - the library raises anything at a broken packet
                link.close(BROKEN_FRAME, PROTOCOL_ERROR)
            if kind == "1":
                link.disconnected(packet[1:].partition(",")[0] or "/")
        elif kind not in ("3", "6") or not kind:  # acks of ours: we never ask for one
            link.close(BROKEN_FRAME, PROTOCOL_ERROR)

    def _event(self, link: SocketLink, packet: str, *, is_binary: bool) -> None:
        head = event_head(packet)
        if head is None:
            link.close(BROKEN_FRAME, PROTOCOL_ERROR)
            return
        namespace, ack_id, text = head
        session = link.sessions.get(namespace)
        if session is None:
            return
        self.services.metrics.messages_in.count += 1
        if is_binary:
            handle_binary(session, ack_id)
        else:
            handle(session, ack_id, text, ALL_EVENTS)

    def _connector(self, namespace: str) -> Callable[..., Awaitable[None]]:
        async def connect(_sid: str, environ: dict[str, Any], auth: object) -> None:
            link: SocketLink = environ[_LINK]
            try:
                principal = await self._principal(link, auth)
            except ApiError as error:
                body = {"code": error.code, "message": error.message, "details": error.details}
                raise ConnectionRefused(error.message, body) from None
            session = SocketSession(link, namespace, self.services)
            link.connected(namespace, session)
            if principal is not None:
                session.sign_in(principal)

        return connect

    async def _principal(self, link: SocketLink, auth: object) -> Principal | None:
        """Return who the handshake's `auth` says; None if it says nobody."""
        token = auth.get("token") if isinstance(auth, dict) else auth
        if token is None or token == "":
            return None
        if not isinstance(token, str):
            raise Unauthorized
        try:
            return await verified(self.services, link.address, token)
        except ApiError:
            raise
        except OUTAGES as outage:
            raise DatabaseAway from outage
        except Exception as error:  # the outermost boundary of a handshake
            self.services.logger.error("socket sign-in failed", exc_info=error)  # noqa: TRY400 - structlog
            raise InternalError from None
