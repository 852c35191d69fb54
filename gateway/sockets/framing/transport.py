"""uvicorn's WebSocket protocol with what ASGI doesn't offer: reading and writing without waiting,
and an end.

Laws: a text message that came whole is handled in the step in which it was read, if the application
wants that and nothing that came before it still waits; everything else goes by the library and by
ASGI, in order. Whole frames go to the transport as they are, at once, and the transport's own marks
say when it takes no more (`pause`, `resume` of `Outbound`); the application writes nothing by ASGI
after it has accepted. A socket that doesn't read can't hold the process up: its end is asked for by
a close frame and enforced after `CLOSE_SECONDS` (uvicorn would wait for its buffer to drain, for
ever), and it can't pile up pongs by sending pings.
"""

import contextlib
import socket
from collections.abc import Callable
from typing import Final, cast

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from gateway.sockets.framing.client_frames import ClientFrames
from gateway.sockets.framing.outbound import Outbound

TRANSPORT: Final = "probity.transport"
"""The scope's extension under which the application finds its `SocketTransport`."""
CLOSE_SECONDS: Final = 5.0
KERNEL_BUFFER_BYTES: Final = 131_072
"""What the kernel may hold of what one socket is sent; its own choice grows to megabytes, all of it
feed that has grown old."""


class SocketTransport(WebSocketsSansIOProtocol):
    """One WebSocket connection; give it to uvicorn as `ws`."""

    outbound: Outbound | None = None
    _take: Callable[[str], bool] | None = None
    """Handles a message at once, or says that it can't."""
    _frames: ClientFrames | None = None
    _is_awaited = False
    """Whether the application waits for what comes next by ASGI."""

    async def run_asgi(self) -> None:
        """Run the application with this transport among its extensions."""
        cast("dict[str, object]", self.scope["extensions"])[TRANSPORT] = self
        await super().run_asgi()

    def attach(self, outbound: Outbound) -> None:
        """Say which queue hears of the transport's marks; call after the accept."""
        self.outbound = outbound
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
        self._take = take

    def data_received(self, data: bytes) -> None:
        """Hand on what has come, frame by frame."""
        if self._take is None or self._frames is None:
            # A client that doesn't wait for the handshake's answer (RFC 6455, 4.1) is read by the
            # library alone, which may be in the middle of a frame from now on.
            is_request = not self.handshake_initiated
            self._frames = ClientFrames(self.config.ws_max_size) if is_request else None
            super().data_received(data)
            return
        for frame, text in self._frames.cut(data):
            if text is None or not self._is_up_to_date() or not self._take(text):
                super().data_received(frame)
                if self.transport.is_closing():
                    return

    def _is_up_to_date(self) -> bool:
        """Say whether all that came before is handled, and no message is in the middle."""
        return self._is_awaited and self.queue.empty() and not self.frames

    async def receive(self) -> ASGIReceiveEvent:
        """Return what goes by ASGI; while this waits, messages may be taken at once."""
        self._is_awaited = self.queue.empty()
        message = await super().receive()
        self._is_awaited = False
        return message

    def write(self, frame: bytes) -> None:
        """Hand whole frames to the kernel or the transport's buffer."""
        self.transport.write(frame)

    def finish(self, code: int, reason: str) -> None:
        """Ask for the end with a close frame, and cut the connection if it doesn't come."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        """Note that the transport's buffer is over its mark."""
        super().pause_writing()
        if self.outbound is not None:
            self.outbound.pause()

    def resume_writing(self) -> None:
        """Note that the transport's buffer has drained."""
        super().resume_writing()
        if self.outbound is not None:
            self.outbound.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        if self.outbound is not None:
            self.outbound.stop()
        super().connection_lost(exc)

    def handle_ping(self) -> None:
        """Answer a ping unless the peer doesn't read; pongs may be left out (RFC 6455, 5.5.3)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """End a connection whose peer is silent, for certain."""
        super().keepalive_timeout()
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


def transport_of(extensions: dict[str, object]) -> SocketTransport:
    """Return the transport of a WebSocket scope; RuntimeError under another server than ours."""
    transport = extensions.get(TRANSPORT)
    if not isinstance(transport, SocketTransport):
        raise RuntimeError("sockets need uvicorn with ws=SocketTransport")  # noqa: TRY004
    return transport
