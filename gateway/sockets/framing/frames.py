"""Socket.IO messages as the bytes of whole WebSocket frames, and the heads of those that come in.

    0x81 length | 4 (Engine.IO: message) | 2 or 3 (Socket.IO: event or ack) | [/ws,] [ack id] | JSON

Laws: pure functions of bytes. A server's frames are not masked (RFC 6455, 5.1) and compression is
off, so one frame is the same bytes for every recipient: a message is encoded once for each
namespace that anybody listens in, whatever the number of its recipients.
"""

import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

NAMESPACES: Final = ("/", "/ws")
"""A recipient's namespace is named by its index here."""

PING: Final = b"\x81\x012"
"""The frame of Engine.IO's ping."""

_encode: Final = msgspec.json.Encoder().encode
_EVENT_HEADS: Final = (b"42", b"42/ws,")
_ACKS: Final = (b"43%d[%b]", b"43/ws,%d[%b]")
_SHORT: Final = 125
_MEDIUM: Final = 65_535
_REMEMBERED: Final = 4_096
"""So many beginnings of frames are kept: most messages are of a few hundred lengths."""
_HEAD: Final = re.compile(r"(?:(/[^,?\[{\"]{0,64})(?:\?[^,]{0,64})?,)?([0-9]{1,15})?", re.ASCII)


def text_frame(payload: bytes) -> bytes:
    """Return the unmasked, final text frame of a UTF-8 payload (RFC 6455, 5.2)."""
    return _frame_head(len(payload)) + payload


def _frame_head(length: int) -> bytes:
    if length <= _SHORT:
        return bytes((0x81, length))
    if length <= _MEDIUM:
        return struct.pack("!BBH", 0x81, 126, length)
    return struct.pack("!BBQ", 0x81, 127, length)


@lru_cache(_REMEMBERED)
def _event_start(namespace: int, length: int) -> bytes:
    """Return what stands in a frame before an event whose JSON has this length."""
    head = _EVENT_HEADS[namespace]
    return _frame_head(len(head) + length) + head


class Message:
    """An event on its way to any number of sockets; the frame is made when first asked for."""

    __slots__ = ("_body", "_frames")

    def __init__(self, event: str, data: object) -> None:
        self._body = _encode((event, data))
        self._frames: list[bytes | None] = [None, None]

    def frame(self, namespace: int) -> bytes:
        """Return the frame for recipients in a namespace, always the same object."""
        frame = self._frames[namespace]
        if frame is None:
            body = self._body
            frame = self._frames[namespace] = _event_start(namespace, len(body)) + body
        return frame


class Messages:
    """Events that go one behind the other to any number of sockets: (event, data) of each."""

    __slots__ = ("_bodies", "_frames")

    def __init__(self, told: Sequence[tuple[str, object]]) -> None:
        self._bodies = [_encode(event) for event in told]
        self._frames: list[list[bytes] | None] = [None, None]

    def frames(self, namespace: int) -> list[bytes]:
        """Return the frames for recipients in a namespace, always the same objects."""
        frames = self._frames[namespace]
        if frames is None:
            frames = self._frames[namespace] = [
                _event_start(namespace, len(body)) + body for body in self._bodies
            ]
        return frames


def ack_frame(namespace: int, ack_id: int, answer: object) -> bytes:
    """Return the frame that acknowledges a client's event."""
    return text_frame(_ACKS[namespace] % (ack_id, _encode(answer)))


def event_head(packet: str) -> tuple[str, int | None, str] | None:
    """Split an event packet, its type taken off, into (namespace, ack id, JSON text).

    None if it has no such head, nothing behind it, or an ack id longer than any counter's.  Linear
    in the length.
    """
    match = _HEAD.match(packet)
    if match is None or match.end() == len(packet) or packet[match.end()].isdigit():
        return None
    namespace, ack_id = match.groups()
    return namespace or "/", None if ack_id is None else int(ack_id), packet[match.end() :]
