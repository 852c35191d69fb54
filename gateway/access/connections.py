"""The states of a connection: under which deadline each is, and what one connection may cost.

    HTTP      HEAD -> BODY -> ANSWER <-> UNREAD -> IDLE -> HEAD ...        CLOSING    DRAINING
    sockets   HANDSHAKE -> JOINING -> OPEN <-> SOCKET_UNREAD               SOCKET_CLOSING

Laws: a connection is in one state at each moment, and under that state's deadline alone; whatever
comes or doesn't come, the deadline ends it or the state (`Deadline`). A deadline runs from when the
state was entered; what a peer sends doesn't prolong it. `ROWS` is the table that the transports of
both protocols take their timers from, that docs/security.md shows, and that
`tests/gateway/connections/test_states.py` is made of: a state without a test fails there.
"""

import asyncio
import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.access.client_address import ClientAddresses

CLOSING_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 1.0
"""A ping may be so much later than it is due."""
PIPELINE_MAX: Final = 16
"""Requests of one connection that wait behind the one that is answered."""
WAITING_MAX_BYTES: Final = 16_384
"""Bytes of their bodies after which no more is read of them."""
HELD_MAX_BYTES: Final = 65_536
"""Bytes of further requests behind those that wait."""
RECEIVED_MAX_BYTES: Final = 65_536
"""What the kernel may hold of what a connection sends, so that one read brings about as much."""
LIMITED_MAX: Final = 100
"""Requests of one connection that a rate limit refuses before it is closed."""
HEADERS_MAX: Final = 128
"""Headers of a request; `websockets` takes no more either."""
FRAMES_WINDOW_SECONDS: Final = 10.0
FRAMES_PER_TURN: Final = 32
"""Frames of one socket that are handled in one turn of the event loop, ..."""
TURN_SECONDS: Final = 0.001
"""... and for how long, one frame at least: some events cost a hundred times what others do."""
REQUESTS_PER_TURN: Final = 16
"""Requests of all connections that are begun in one turn, ..."""
SPARED_PER_TURN: Final = 8
"""... of those that are never shed so many before others, ..."""
PIPELINED_PER_TURN: Final = 4
"""... and of those that lay behind another of their connection."""
REFUSED_FACTOR: Final = 2
"""So many times CONNECTIONS_PER_ADDRESS an address is told why; beyond it is cut off unheard."""


class ConnectionState(enum.IntEnum):
    """Where a connection stands."""

    HEAD = 0
    BODY = 1
    ANSWER = 2
    UNREAD = 3
    IDLE = 4
    CLOSING = 5
    DRAINING = 6
    HANDSHAKE = 7
    JOINING = 8
    OPEN = 9
    SOCKET_UNREAD = 10
    SOCKET_CLOSING = 11


CUT_OFF: Final = frozenset(
    {
        ConnectionState.ANSWER,
        ConnectionState.UNREAD,
        ConnectionState.CLOSING,
        ConnectionState.DRAINING,
    }
)
"""States of HTTP in which nothing more can be said to whoever stays too long."""


@dataclass(frozen=True, slots=True)
class Row:
    """A state's line of the table."""

    state: ConnectionState
    is_when: str
    settings: tuple[str, ...]
    """Whose sum in seconds, with `grace`, is the deadline; none: `CLOSING_SECONDS`."""
    ends: str
    """What becomes of a connection that stays longer."""
    budget: str
    """What it may cost meanwhile, and what becomes of one that costs more."""
    grace: float = 0.0
    """Seconds beside the settings' sum."""


_HEAD_BYTES: Final = "`REQUEST_HEAD_MAX_BYTES`"
ROWS: Final = (
    Row(
        ConnectionState.HEAD,
        "the first head, or one that has begun, isn't whole",
        ("REQUEST_HEAD_TIMEOUT_SECONDS",),
        "400 if any of it came; closed",
        f"{_HEAD_BYTES}, {HEADERS_MAX} headers: 400; `CONNECTIONS_PER_ADDRESS`: 429",
    ),
    Row(
        ConnectionState.BODY,
        "the head is whole, the body isn't",
        ("REQUEST_BODY_TIMEOUT_SECONDS",),
        "400 if it is waited for; closed",
        f"`REQUEST_BODY_MAX_BYTES`: 413; {_HEAD_BYTES} of chunk sizes and trailers: 400",
    ),
    Row(
        ConnectionState.ANSWER,
        "a request is being answered",
        ("REQUEST_ANSWER_TIMEOUT_SECONDS",),
        "cut off",
        f"{PIPELINE_MAX} requests or {WAITING_MAX_BYTES} bytes of bodies behind it: not read;"
        f" {HELD_MAX_BYTES} bytes behind those: 400;"
        f" {LIMITED_MAX} answered 429: closed",
    ),
    Row(
        ConnectionState.UNREAD,
        "so much of the answers isn't read that no more is sent",
        ("ANSWER_READ_TIMEOUT_SECONDS",),
        "cut off",
        "65536 bytes and one answer: not answered further",
    ),
    Row(
        ConnectionState.IDLE,
        "all is answered and read",
        ("HTTP_KEEP_ALIVE_SECONDS",),
        "closed",
        f"{_HEAD_BYTES} of empty lines: 400",
    ),
    Row(
        ConnectionState.CLOSING,
        "the last answer is sent, the connection is being closed",
        (),
        "cut off",
        "nothing is read",
    ),
    Row(
        ConnectionState.DRAINING,
        "the process ends and a request is still being answered",
        ("SHUTDOWN_TIMEOUT_SECONDS",),
        "cut off",
        "as before",
    ),
    Row(
        ConnectionState.HANDSHAKE,
        "an upgrade is asked for and isn't answered",
        ("SOCKET_CONNECT_TIMEOUT_SECONDS",),
        "cut off",
        "`SOCKET_OTHER_FRAMES_MAX` frames: cut off",
    ),
    Row(
        ConnectionState.JOINING,
        "a socket is open and no namespace is joined",
        ("SOCKET_CONNECT_TIMEOUT_SECONDS",),
        "1008 `no namespace connected in time`",
        "`SOCKET_OTHER_FRAMES_MAX` frames: 1008; `RATE_LIMIT_SOCKETS_PER_ADDRESS`: connect error",
    ),
    Row(
        ConnectionState.OPEN,
        "a namespace is joined; runs from the last answer to a ping, the time unread left out",
        ("SOCKET_PING_INTERVAL_SECONDS", "SOCKET_PING_TIMEOUT_SECONDS"),
        "1008 `ping timeout`",
        "`SOCKET_OTHER_FRAMES_MAX` frames that are no events, or refused by a limit: 1008",
        BEAT_SECONDS,
    ),
    Row(
        ConnectionState.SOCKET_UNREAD,
        "so much isn't read that messages wait",
        ("ANSWER_READ_TIMEOUT_SECONDS",),
        "1008 `slow_consumer`",
        "`SOCKET_SEND_QUEUE_SIZE` messages: 1008",
    ),
    Row(
        ConnectionState.SOCKET_CLOSING,
        "a close frame is sent",
        (),
        "cut off",
        "nothing but the answer to it counts; a flood isn't read",
    ),
)


def deadlines(values: Mapping[str, float]) -> tuple[float, ...]:
    """Return each state's seconds, by its number, from the values of the settings in `ROWS`."""
    by_state = {
        row.state: sum((values[name] for name in row.settings), row.grace) or CLOSING_SECONDS
        for row in ROWS
    }
    return tuple(by_state[state] for state in ConnectionState)


class Deadline:
    """The one deadline of a connection.

    Entering a state is a comparison: the timer behind it is moved only if it would fire too late,
    and looks again when it fires too soon.
    """

    __slots__ = ("_due", "_expired", "_fires_at", "_loop", "_seconds", "_timer", "state")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: tuple[float, ...],
        state: ConnectionState,
        expired: Callable[[ConnectionState], None],
    ) -> None:
        """Begin in `state`; `expired` ends the connection, or enters another state."""
        self._loop = loop
        self._seconds = seconds
        self._expired = expired
        self._due = 0.0
        self._fires_at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self.enter(state)

    def enter(self, state: ConnectionState, since: float | None = None) -> None:
        """Begin the deadline of a state, now or at a time of the loop's clock."""
        self.state = state
        begins = self._loop.time() if since is None else since
        self._due = due = begins + self._seconds[state]
        if due < self._fires_at:
            self._fire_at(due)

    def stop(self) -> None:
        """Forget it for good: the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._fires_at = -math.inf
        self._expired = _unheard  # the connection and its deadline hold each other

    def _fire_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at = at
        self._timer = self._loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._fires_at = math.inf
        if self._loop.time() < self._due:
            self._fire_at(self._due)
        else:
            self._expired(self.state)


def _unheard(_state: ConnectionState) -> None:
    """Hear of nothing more after the end."""


class OpenConnections:
    """How many connections each address has; trusted proxies speak for many, and aren't counted."""

    __slots__ = ("_addresses", "_most", "_open")

    def __init__(self, most: int, addresses: ClientAddresses) -> None:
        self._most = most
        self._addresses = addresses
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, peer: str) -> int:
        """Count a connection more; return how many times over its most the address is (0: not)."""
        address = self._addresses.of_peer(peer)
        if address is None:
            return 0
        count = self._open[address] = self._open.get(address, 0) + 1
        return (count - 1) // self._most

    def leave(self, peer: str) -> None:
        """Count a connection less."""
        address = self._addresses.of_peer(peer)
        if address is None:
            return
        count = self._open.get(address, 0) - 1
        if count > 0:
            self._open[address] = count
        else:
            self._open.pop(address, None)
