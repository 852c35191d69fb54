"""What one connection may cost, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.access.connections import OpenConnections
from gateway.access.turns import Turns


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
    turns: Turns = field(default_factory=Turns)
    """Which all connections of the server share."""
