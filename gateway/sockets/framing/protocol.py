"""What a client's WebSocket text frames mean: text in, frames out, no I/O.

    Engine.IO    Socket.IO                          read_frame gives
    ---------    --------------------------------   ------------------------------------------
    1            (close)                            ENDED
    3            (pong)                             PONG
    4            0 connect, 1 disconnect            NamespaceFrame
    4            2 event, 5 event with binary       EventFrame
    4            3, 6 acks: we never ask for one    IGNORED
    2 5 6 b      (ping, upgrade, noop, binary)      IGNORED
    anything else                                   BROKEN: the connection is closed

Laws: pure and linear in the length of the text; the payload of an event is not looked at here
(`events.py`). Engine.IO is protocol 4, Socket.IO protocol 5.
"""

import enum
from typing import Final, NamedTuple

from gateway.sockets.framing.frames import event_head


class Sign(enum.Enum):
    """A frame that says nothing but what it is."""

    ENDED = "ended"
    PONG = "pong"
    IGNORED = "ignored"
    BROKEN = "broken"


ENDED: Final = Sign.ENDED
PONG: Final = Sign.PONG
IGNORED: Final = Sign.IGNORED
BROKEN: Final = Sign.BROKEN


class EventFrame(NamedTuple):
    """An event in a namespace; `text` is the JSON array of its name and payload."""

    namespace: str
    ack_id: int | None
    text: str
    is_binary: bool = False


class NamespaceFrame(NamedTuple):
    """A namespace is joined or left; which, the library reads in its own `packet`."""

    packet: str
    leaves: bool


Frame = EventFrame | NamespaceFrame | Sign

_IGNORED: Final = frozenset("256b")


def read_frame(text: str) -> Frame:
    """Return what a text frame means."""
    kind = text[:1]
    if kind == "4":
        return _read_packet(text[1:])
    if kind == "3":
        return PONG
    if kind == "1":
        return ENDED
    return IGNORED if kind in _IGNORED else BROKEN


def _event_frame(packet: str) -> EventFrame | Sign:
    """Return the event of a packet whose type, 2, is taken off."""
    head = event_head(packet)
    return BROKEN if head is None else EventFrame(*head)


def _read_packet(packet: str) -> Frame:
    kind = packet[:1]
    if kind == "2":
        return _event_frame(packet[1:])
    if kind == "5":
        frame = _event_frame(packet[1:].partition("-")[2])
        return frame._replace(is_binary=True) if isinstance(frame, EventFrame) else frame
    if kind in ("0", "1"):
        return NamespaceFrame(packet, leaves=kind == "1")
    return IGNORED if kind in ("3", "6") else BROKEN
