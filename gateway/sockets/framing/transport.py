"""uvicorn's WebSocket protocol with what ASGI doesn't offer: reading and writing without waiting,
bounds, and an end.

Laws: a text message that came whole is handled in the step in which it was read, if the application
wants that and nothing that came before it still waits; everything else goes by the library and by
ASGI, in order. Whole frames go to the transport as they are, at once, and the transport's own marks
say when it takes no more (`pause`, `resume` of `Outbound`); the application writes nothing by ASGI
after it has accepted.

A socket can't hold the process up: few frames are handled in one turn of the event loop, those that
are no events are counted (pings, fragments, joining and leaving, mistakes), and the one deadline of
the state it is in (`access/connections.py`) ends it whatever its peer does or doesn't. Its end is
asked for by a close frame and enforced (uvicorn would wait for its buffer to drain, for ever).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import ClassVar, Final, Protocol, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from gateway.access.client_address import UNKNOWN
from gateway.access.connections import (
    CLOSING_SECONDS,
    FRAMES_PER_TURN,
    FRAMES_WINDOW_SECONDS,
    TURN_SECONDS,
    ConnectionState,
    Deadline,
    OpenConnections,
)
from gateway.access.turns import Turns
from gateway.sockets.framing.client_frames import ClientFrames
from gateway.sockets.framing.outbound import Outbound

TRANSPORT: Final = "probity.transport"
"""The scope's extension under which the application finds its `SocketTransport`."""
KERNEL_BUFFER_BYTES: Final = 131_072
"""What the kernel may hold of what one socket is sent; its own choice grows to megabytes, all of it
feed that has grown old."""
POLICY_VIOLATION: Final = 1008
FLOOD: Final = "too many frames"
_LATE: Final = "too late"
_CLOSE: Final = 0x8
_OPCODE: Final = 0x0F
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Owner(Protocol):
    """Whoever gives the reason when a socket is ended: its link."""

    def expired(self, state: ConnectionState) -> None:
        """End the socket, whose deadline has passed; calls `finish`."""

    def flooded(self) -> None:
        """End the socket, which has sent too many frames; calls `finish`."""


class _Enforced:
    """Stands where uvicorn keeps the timer of a close: the deadline enforces it, for certain."""

    def cancel(self) -> None:
        """Leave the deadline as it is."""


def _unheard(_reason: str) -> None:
    """Hear of an end that nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """What one socket may cost, and for how long."""

    seconds: tuple[float, ...] = tuple(12 * CLOSING_SECONDS for _ in ConnectionState)
    """By state (`access/connections.py`)."""
    other_frames_max: int = 500
    connections: OpenConnections | None = None
    ended: Callable[[str], None] = _unheard
    """Hears of each socket that is ended against the client's will: its state, or "flood"."""
    turns: Turns = field(default_factory=Turns)
    """Which all connections of the server share."""


class SocketTransport(WebSocketsSansIOProtocol):
    """One WebSocket connection; give it, or what `socket_transport` makes, to uvicorn as `ws`."""

    limits: ClassVar[TransportLimits] = TransportLimits()
    outbound: Outbound | None = None
    deadline: Deadline
    _owner: Owner | None = None
    _take: Callable[[str], bool] | None = None
    """Handles a message at once, or says that it can't."""
    _frames: ClientFrames | None = None
    _is_early = False
    """Whether the client didn't wait for the handshake's answer (RFC 6455, 4.1)."""
    _is_awaited = False
    """Whether the application waits for what comes next by ASGI."""
    _is_held = False
    """Whether more frames have come than one turn handles; nothing is read meanwhile."""
    _is_deaf = False
    """Whether nothing is read any more, to the end."""
    _others = 0
    """Frames in this window that were no events, or whose event a limit refused."""
    _window_ends_at = 0.0
    _heard_at = 0.0
    """When a ping was answered, or the first namespace joined, later by the time unread since."""
    _unread_at = 0.0

    # -- its life -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Await the handshake."""
        super().connection_made(transport)
        self._window_ends_at = self.loop.time() + FRAMES_WINDOW_SECONDS
        self.deadline = Deadline(
            self.loop, self.limits.seconds, ConnectionState.HANDSHAKE, self._expired
        )

    async def run_asgi(self) -> None:
        """Run the application with this transport among its extensions."""
        extensions = cast("dict[str, object]", self.scope["extensions"])
        extensions[TRANSPORT] = self
        try:
            await super().run_asgi()
        finally:
            # Each of these holds the transport, which holds it.
            self._take = self._owner = None
            del extensions[TRANSPORT]
        self._note_closing()

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application does by ASGI: the handshake's answer."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self.deadline.enter(ConnectionState.JOINING)
        elif message["type"] == "websocket.http.response.body" and self.close_sent:
            # uvicorn takes a refusal for an application that forgot to answer, and logs an error.
            self.handshake_complete = True

    def attach(self, outbound: Outbound, owner: Owner) -> None:
        """Say which queue hears of the marks and who of the deadlines; call after the accept."""
        self.outbound = outbound
        self._owner = owner
        raw: socket.socket | None = self.transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
                # asyncio leaves Nagle's algorithm on where the listener was made with proto 0.
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.writable.is_set():
            outbound.pause()

    def read_by(self, take: Callable[[str], bool]) -> None:
        """Offer each whole text message to `take` first; call once, right after the accept."""
        if not self._is_early:
            self._take = take

    def joined(self) -> None:
        """Note that the peer has joined a namespace; another one is no news."""
        if self.deadline.state is ConnectionState.JOINING:
            self._heard_at = self.loop.time()
            self.deadline.enter(ConnectionState.OPEN)

    def alive(self) -> None:
        """Note that the peer has answered a ping."""
        self._heard_at = self._unread_at = self.loop.time()
        if self.deadline.state is ConnectionState.OPEN:
            self.deadline.enter(ConnectionState.OPEN)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.deadline.stop()
        if self.outbound is not None:
            self.outbound.stop()
        if self.limits.connections is not None:
            self.limits.connections.leave(UNKNOWN if self.client is None else self.client[0])
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Say goodbye, and close."""
        with contextlib.suppress(InvalidState):
            super().shutdown()
        if not self.transport.is_closing():
            self.transport.close()
        self._note_closing()

    # -- what comes ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Hand on what has come, frame by frame."""
        if self._frames is None:
            self._frames = ClientFrames(self.config.ws_max_size)
            super().data_received(data)
            if not self.handshake_initiated:
                self._refuse_handshake()
            return
        if not self.handshake_complete:
            self._is_early = True
        if not self._is_deaf:
            self._handle(self._frames, data)

    def _handle(self, frames: ClientFrames, data: bytes) -> None:
        take = self._take
        for frame, text in frames.cut(data, FRAMES_PER_TURN, monotonic() + TURN_SECONDS):
            if (
                text is None or take is None or not self._is_up_to_date() or not take(text)
            ) and not self._hand_on(frame):
                return
        if frames.has_more and not self._is_held:
            self._is_held = True
            if not self.transport.is_closing():
                self.transport.pause_reading()
                self.limits.turns.ask(self._go_on)

    def _go_on(self) -> None:
        """Handle more of what is held, unless what was handled still waits for the application."""
        if self._frames is None or self._is_deaf or self.transport.is_closing():
            return
        if not (self.queue.empty() or self.close_sent):
            return  # `receive` comes back to it
        self._is_held = False
        self._handle(self._frames, b"")
        if not (self._is_held or self.read_paused or self.transport.is_closing()):
            self.transport.resume_reading()

    def _hand_on(self, frame: bytes) -> bool:
        """Give a frame that isn't taken at once to the library; say whether to go on."""
        if not self.spend():
            return False
        if not self.close_sent or frame[0] & _OPCODE == _CLOSE:
            super().data_received(frame)
            self._note_closing()
        return not self.transport.is_closing()

    def spend(self) -> bool:
        """Count a frame that isn't an event, or an event that a limit refused; over: the end."""
        self._others += 1
        if self._others <= self.limits.other_frames_max:
            return True
        now = self.loop.time()
        if now > self._window_ends_at:
            self._window_ends_at = now + FRAMES_WINDOW_SECONDS
            self._others = 1
            return True
        if not self._is_deaf:
            self._flooded()
        return False

    def _flooded(self) -> None:
        """End the socket and read nothing more: what it sends is not worth looking at."""
        self.limits.ended("flood")
        if self._owner is None:
            self.finish(POLICY_VIOLATION, FLOOD)
        else:
            self._owner.flooded()
        self._is_deaf = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _is_up_to_date(self) -> bool:
        """Say whether all that came before is handled, and no message is in the middle."""
        return self._is_awaited and self.queue.empty() and not self.frames

    async def receive(self) -> ASGIReceiveEvent:
        """Return what goes by ASGI; while this waits, messages may be taken at once."""
        self._is_awaited = self.queue.empty()
        message = await super().receive()
        self._is_awaited = False
        if (self._is_held or self._is_deaf) and not self.transport.is_closing():
            self.transport.pause_reading()
            if self.queue.empty():
                self.limits.turns.ask(self._go_on)
        return message

    def send_receive_event_to_app(self) -> None:
        """Hand a message that is whole to the application; text has to be UTF-8."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                # uvicorn would log an error with a traceback.
                self.frames = []
                with contextlib.suppress(InvalidState):
                    self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer a ping unless the peer doesn't read; pongs may be left out (RFC 6455, 5.5.3)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_parser_exception(self) -> None:
        """End a connection that doesn't speak the protocol."""
        if self.conn.close_sent is None:
            self.transport.abort()  # it didn't wait for the handshake's answer
        else:
            super().handle_parser_exception()

    def _refuse_handshake(self) -> None:
        """Answer an upgrade that the library found wrong (uvicorn leaves it without an answer)."""
        answer = b"".join(self.conn.data_to_send())
        self.transport.write(answer or _BAD_REQUEST)
        self.transport.close()
        self._note_closing()

    # -- what goes ----------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        """Hand whole frames to the kernel or the transport's buffer."""
        self.transport.write(frame)

    def pause_writing(self) -> None:
        """Note that the transport's buffer is over its mark."""
        super().pause_writing()
        if self.deadline.state is ConnectionState.OPEN:
            self._unread_at = self.loop.time()
            self.deadline.enter(ConnectionState.SOCKET_UNREAD)
        if self.outbound is not None:
            self.outbound.pause()

    def resume_writing(self) -> None:
        """Note that the transport's buffer has drained."""
        super().resume_writing()
        if self.deadline.state is ConnectionState.SOCKET_UNREAD:
            # Pings lay behind what wasn't read.
            self._heard_at += self.loop.time() - self._unread_at
            self.deadline.enter(ConnectionState.OPEN, self._heard_at)
        if self.outbound is not None:
            self.outbound.resume()

    # -- its end ------------------------------------------------------------------------------

    def finish(self, code: int, reason: str) -> None:
        """Ask for the end with a close frame; the deadline enforces it."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            self.transport.abort()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self._is_held:
            self.read_paused = False
            self.limits.turns.ask(self._go_on)
        elif self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = cast("asyncio.TimerHandle", _Enforced())
        self.deadline.enter(ConnectionState.SOCKET_CLOSING)

    def _note_closing(self) -> None:
        if (
            self.transport.is_closing()
            and self.deadline.state is not ConnectionState.SOCKET_CLOSING
        ):
            self.deadline.enter(ConnectionState.SOCKET_CLOSING)

    def _expired(self, state: ConnectionState) -> None:
        self.limits.ended(state.name.lower())
        is_open = state is not ConnectionState.HANDSHAKE and not self.transport.is_closing()
        if not is_open or state is ConnectionState.SOCKET_CLOSING:
            self.transport.abort()
        elif self._owner is None:
            self.finish(POLICY_VIOLATION, _LATE)
        else:
            self._owner.expired(state)


def socket_transport(limits: TransportLimits) -> type[SocketTransport]:
    """Return the transport with these bounds."""
    return type("SocketTransport", (SocketTransport,), {"limits": limits})


def transport_of(extensions: dict[str, object]) -> SocketTransport:
    """Return the transport of a WebSocket scope; RuntimeError under another server than ours."""
    transport = extensions.get(TRANSPORT)
    if not isinstance(transport, SocketTransport):
        raise RuntimeError("sockets need uvicorn with ws=SocketTransport")  # noqa: TRY004
    return transport
