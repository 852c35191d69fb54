"""The adapter to python-socketio: its handshake and its namespaces, our way in and out of a socket.

The only module that imports `socketio` and `engineio` (untyped). Theirs is what happens once a
socket: the handshake, joining and leaving a namespace. Ours is what happens a thousand times a
second: in theirs every socket has an unbounded queue with a task behind it, an emit makes a task
per recipient, every event another one, and a client can send `connect` as an event.

The subclasses replace, in the versions that pyproject.toml admits:
    engineio.AsyncServer._handle_connect       make `_EngineSocket` instead of theirs
    engineio.AsyncSocket.send, .close          through the link instead of their queue
    translate_request of its ASGI driver       which makes a class for each connection
and call
    socketio.AsyncServer._handle_eio_message   with packets that join or leave a namespace
    socketio.AsyncServer._handle_eio_disconnect
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import engineio
import msgspec
import socketio
from engineio import packet as engine_packet
from engineio.async_socket import AsyncSocket
from socketio.exceptions import ConnectionRefusedError as ConnectionRefused
from starlette.types import Receive, Scope, Send

from gateway.sockets.framing.frames import NAMESPACES, text_frame
from gateway.sockets.framing.protocol import NamespaceFrame
from gateway.sockets.link import BROKEN_FRAME, NO_NAMESPACE, TOO_MANY_SOCKETS
from gateway.sockets.server import PROTOCOL_ERROR, ConnectionEnded, Link, SocketServer
from gateway.sockets.settings import SocketSettings
from gateway.wire.errors import ApiError, RateLimited

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

    link: Link

    async def serve(self, environ: dict[str, Any], owner: "SocketLibrary") -> None:
        """Accept the connection and read it until it ends."""
        scope = environ["asgi.scope"]
        await environ["asgi.send"]({"type": "websocket.accept"})
        self.connected = self.upgraded = True
        self.link = owner.sockets.open_link(scope)
        environ[_LINK] = self.link
        try:
            greeting = owner.sockets.greeting(self.sid)
            await self.send(engine_packet.Packet(engine_packet.OPEN, greeting))
            owner.environ[self.sid] = environ
            await self._read(environ["asgi.receive"], owner)
        except ConnectionEnded:
            pass
        finally:
            self.closed = True
            await owner.forget(self.sid, self.link)

    async def _read(self, receive: Receive, owner: "SocketLibrary") -> None:
        """Read what `SocketServer.take` leaves, until the end."""
        link = self.link
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None or not link.is_open:
                continue  # binary attachments: their event was refused already
            frame = owner.sockets.receive(link, text)
            if frame is not None:
                await owner.pass_on(self.sid, link, frame)

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


async def _environ(scope: Scope, receive: Receive, send: Send) -> dict[str, Any]:
    """Return what the library asks of a handshake, and what we ask for later."""
    await receive()
    upgrade = dict(scope["headers"]).get(b"upgrade", b"")
    return {
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": scope["query_string"].decode("utf-8", "replace"),
        "HTTP_UPGRADE": upgrade.decode("latin-1"),
        "asgi.receive": receive,
        "asgi.send": send,
        "asgi.scope": scope,
    }


class _Engine(engineio.AsyncServer):  # type: ignore[misc]
    """Makes our sockets."""

    owner: "SocketLibrary"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        driver: dict[str, object] = self._async  # type: ignore[has-type]
        self._async = {**driver, "translate_request": _environ}

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


class SocketLibrary(socketio.AsyncServer):  # type: ignore[misc]
    """python-socketio in front of our sockets; `handle_request` serves one connection."""

    def __init__(self, sockets: SocketServer, settings: SocketSettings) -> None:
        super().__init__(
            async_mode="asgi",
            json=_Json,
            logger=_SILENT,
            engineio_logger=_SILENT,
            namespaces=list(NAMESPACES),
            transports=["websocket"],
            allow_upgrades=False,
            # `app.py` judges origins before a connection comes here.
            cors_allowed_origins=[],
            max_http_buffer_size=settings.frame_max_bytes,
            ping_interval=settings.ping_interval_seconds,
            ping_timeout=settings.ping_timeout_seconds,
            # One task pings and times out all sockets (`streaming/heartbeat.py`).
            monitor_clients=False,
        )
        self.eio.owner = self
        self.sockets = sockets
        for namespace in NAMESPACES:
            self.on("connect", self._connector(namespace), namespace=namespace)

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine

    async def forget(self, sid: str, link: Link) -> None:
        """Undo everything of a connection that has ended."""
        self.sockets.forget(link)
        await self._handle_eio_disconnect(sid, self.reason.TRANSPORT_CLOSE)
        # Theirs passes over a namespace whose joining was cut short.
        for namespace in NAMESPACES:
            member = self.manager.sid_from_eio_sid(sid, namespace)
            if member is not None:
                await self.manager.disconnect(member, namespace, ignore_queue=True)

    async def pass_on(self, sid: str, link: Link, frame: NamespaceFrame) -> None:
        """Have the library join or leave a namespace; waits while one is being joined."""
        try:
            await self._handle_eio_message(sid, frame.packet)
        except Exception:  # noqa: BLE001 - the library raises anything at a broken packet
            link.close(BROKEN_FRAME, PROTOCOL_ERROR)
        # Which namespace a packet means is the library's to say, whatever stands around its name.
        for namespace in list(link.sessions):
            if self.manager.sid_from_eio_sid(sid, namespace) is None:
                link.disconnected(namespace)
        if not link.sessions and (frame.leaves or link.refusal is not None):
            link.close(NO_NAMESPACE if link.refusal is None else TOO_MANY_SOCKETS)

    def _connector(self, namespace: str) -> Callable[..., Awaitable[None]]:
        async def connect(_sid: str, environ: dict[str, Any], auth: object) -> None:
            try:
                await self.sockets.join(environ[_LINK], namespace, auth)
            except ApiError as error:
                self.sockets.count_refusal(error)
                body: dict[str, object] = {
                    "code": error.code,
                    "message": error.message,
                    "details": error.details,
                }
                if isinstance(error, RateLimited):
                    body["retryAfter"] = error.retry_after_seconds
                raise ConnectionRefused(error.message, body) from None

        return connect
