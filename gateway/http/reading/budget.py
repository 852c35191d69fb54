"""What one connection may cost, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.access.connections import OpenConnections
from gateway.access.turns import Turns

SLICE_BYTES: Final = 2_048
"""So much of one request is parsed before it is asked whether there is room for more, ..."""
SMALL_SLICE_BYTES: Final = 512
"""... and so much where it holds several."""
SLICES_AT_ONCE: Final = 2
SLICES_PER_TURN: Final = 8
"""When what is held has its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What one connection may cost, and for how long."""

    head_max_bytes: int
    body_max_bytes: int
    seconds: tuple[float, ...]
    """By state (`access/connections.py`)."""
    connections: OpenConnections
    ended: Callable[[str], None]
    """Hears of each connection that is ended against the client's will: its state, or "refused"."""
    shed: Callable[[], None]
    """Hears of each request that is refused since there is too much."""
    origins: tuple[str, ...] = ()
    """Of other sites' pages that may read why they are refused; "*" stands for any."""
    turns: Turns = field(default_factory=Turns)
    """Which all connections of the server share."""
