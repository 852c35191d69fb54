"""One Engine.IO socket: its queue, the namespaces connected on it, and its end.

Laws: whatever ends it goes through `close`, which gives the reason in the WebSocket's close frame
and lets the transport enforce it; who was in which room is undone once, when the connection's
reader returns. A socket that connects no namespace in time is closed.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from gateway.sockets.framing.frames import PING
from gateway.sockets.framing.outbound import Outbound, TurnEnd
from gateway.sockets.framing.transport import SocketTransport

POLICY_VIOLATION: Final = 1008
GOING_AWAY: Final = 1012

SLOW_CONSUMER: Final = "slow_consumer"
NO_NAMESPACE: Final = "no namespace connected in time"
NO_PONG: Final = "ping timeout"
BROKEN_FRAME: Final = "broken frame"
SESSION_ENDED: Final = "session ended"
TOKEN_EXPIRED: Final = "token expired"  # noqa: S105 - a reason, not a token
RELOADED: Final = "the feed was loaded anew"
UNTOLD: Final = "something could not be told"
SHUTTING_DOWN: Final = "the server is shutting down"


class Tenant(Protocol):
    """Who lives in a namespace of a socket: a session."""

    def end(self) -> None:
        """Leave everything; the namespace or the socket has ended."""


TenantT = TypeVar("TenantT", bound=Tenant)


class SocketLink(Generic[TenantT]):
    """What all namespaces of one socket share."""

    __slots__ = (
        "_awaits_pong",
        "_connect_timer",
        "_count_slow",
        "_heard_at",
        "_transport",
        "address",
        "close_reason",
        "in_flight",
        "is_draining",
        "outbound",
        "sessions",
    )

    def __init__(
        self,
        transport: SocketTransport,
        address: str,
        queue_size: int,
        connect_seconds: float,
        turn_end: TurnEnd,
        count_slow: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._count_slow = count_slow
        self.address = address
        self.outbound = Outbound(transport.write, queue_size, self._overflowed, turn_end)
        transport.attach(self.outbound)
        self.sessions: dict[str, TenantT] = {}
        """By namespace."""
        self.in_flight = 0
        """Events of the client that have no answer yet."""
        self.is_draining = False
        """Whether its events are no longer taken: the process is about to end."""
        self.close_reason: str | None = None
        """Why we ended it; None while it is open, or if the client ended it."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._awaits_pong = False
        self._connect_timer = loop.call_later(connect_seconds, self._no_namespace)

    @property
    def is_open(self) -> bool:
        """Say whether we have not asked for the end."""
        return self.close_reason is None

    @property
    def is_busy(self) -> bool:
        """Say whether something that was taken has no answer yet, or one that isn't sent."""
        return self.in_flight > 0 or len(self.outbound) > 0

    def connected(self, namespace: str, session: TenantT) -> None:
        """Note that the client has connected a namespace."""
        self._connect_timer.cancel()
        self.sessions[namespace] = session

    def disconnected(self, namespace: str) -> None:
        """Note that the client has left a namespace; a socket without any is closed."""
        session = self.sessions.pop(namespace, None)
        if session is not None:
            session.end()
        if not self.sessions:
            self.close(NO_NAMESPACE)

    def close(self, reason: str, code: int = POLICY_VIOLATION) -> None:
        """End the socket for this reason; what the reader was too slow for is dropped with it."""
        if self.close_reason is None:
            self.close_reason = reason
            self.outbound.flush()
            self.outbound.stop()
            self._transport.finish(code, reason)

    def ended(self) -> None:
        """Undo everything; the connection's reader has returned."""
        self._connect_timer.cancel()
        self.outbound.stop()
        for session in self.sessions.values():
            session.end()
        self.sessions.clear()

    def ping(self, now: float, interval: float, timeout: float) -> None:
        """Send a ping if one is due; close if the last one has no answer in time.

        All in seconds, `now` of the event loop's clock.
        """
        silence = now - self._heard_at
        if self._awaits_pong:
            if silence > interval + timeout:
                self.close(NO_PONG)
        elif silence >= interval:
            self._awaits_pong = True
            self.outbound.push(PING)

    def pong(self, now: float) -> None:
        """Note that the client has answered."""
        self._heard_at = now
        self._awaits_pong = False

    def _overflowed(self) -> None:
        if self.close_reason is None:
            self._count_slow()
            self.close(SLOW_CONSUMER)

    def _no_namespace(self) -> None:
        self.close(NO_NAMESPACE)
