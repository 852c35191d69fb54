"""A Socket.IO client that costs the generator as little as can be: bytes in, bytes out.

Frames are masked with the key 0, which leaves the payload as it is; what comes in is counted, not
parsed: an event's frame holds `42["` once, an ack's `43` is told from it by the callback.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import cast

_REQUEST = (
    "GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_SHORT = 125


def client_frame(text: str) -> bytes:
    """Return a client's text frame, masked with zeros."""
    payload = text.encode("ascii")
    if len(payload) <= _SHORT:
        return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(payload)) + bytes(4) + payload


class WireClient(asyncio.Protocol):
    """One connection; `heard` gets every chunk of bytes after the handshake."""

    def __init__(self, heard: Callable[["WireClient", bytes], None]) -> None:
        self._heard = heard
        self._head = b""
        self.connected = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(_REQUEST.format(host="127.0.0.1").encode("ascii"))

    def data_received(self, data: bytes) -> None:
        """Skip the handshake's head, then hand everything on."""
        if self.connected.done():
            self._heard(self, data)
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self.connected.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        """Note the end."""
        self.lost = True

    def send(self, text: str) -> None:
        """Send one packet."""
        if self.transport is not None:
            self.transport.write(client_frame(text))


async def wire_client(port: int, heard: Callable[[WireClient, bytes], None]) -> WireClient:
    """Connect to a server on this machine."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: WireClient(heard), "127.0.0.1", port)
    await client.connected
    return client
