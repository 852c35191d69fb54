"""One Engine.IO socket: its queue, the namespaces connected on it, and its end.

Laws: whatever ends it goes through `close`, which gives the reason in the WebSocket's close frame
and lets the transport enforce it. A session ends once: when its namespace is left or joined anew,
else when the connection's reader returns; none outlives the socket. When a socket is ended for
what it doesn't do (join, answer a ping, read) the transport's deadline says (`expired`).
"""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from gateway.access.connections import ConnectionState
from gateway.sockets.framing.frames import PING
from gateway.sockets.framing.outbound import Outbound, TurnEnd
from gateway.sockets.framing.transport import FLOOD, POLICY_VIOLATION, SocketTransport
from gateway.wire.errors import RateLimited

GOING_AWAY: Final = 1012

SLOW_CONSUMER: Final = "slow_consumer"
NO_NAMESPACE: Final = "no namespace connected in time"
NO_PONG: Final = "ping timeout"
TOO_MANY_SOCKETS: Final = "too many sockets"
BROKEN_FRAME: Final = "broken frame"
SESSION_ENDED: Final = "session ended"
KEY_ENDED: Final = "api key ended"
ROLE_CHANGED: Final = "role changed"
ACCOUNT_SUSPENDED: Final = "account suspended"
TOKEN_EXPIRED: Final = "token expired"  # noqa: S105 - a reason, not a token
RELOADED: Final = "the feed was loaded anew"
UNTOLD: Final = "something could not be told"
SHUTTING_DOWN: Final = "the server is shutting down"


class Tenant(Protocol):
    """Who lives in a namespace of a socket: a session."""

    def end(self) -> None:
        """Leave everything; the namespace or the socket has ended."""


TenantT = TypeVar("TenantT", bound=Tenant)


def _nothing(_address: str, _user_id: int) -> None:
    """Count nothing."""


class SocketLink(Generic[TenantT]):
    """What all namespaces of one socket share."""

    __slots__ = (
        "_awaits_pong",
        "_count_slow",
        "_heard_at",
        "_prove",
        "_transport",
        "address",
        "close_reason",
        "in_flight",
        "is_draining",
        "outbound",
        "owner",
        "refusal",
        "sessions",
    )

    def __init__(
        self,
        transport: SocketTransport,
        address: str,
        queue_size: int,
        turn_end: TurnEnd,
        count_slow: Callable[[], None],
        prove: Callable[[str, int], None] = _nothing,
        refusal: RateLimited | None = None,
    ) -> None:
        """Make the link of a connection that was accepted.

        `prove` counts a socket to the user it turned out to be of, instead of its address, and
        may raise RateLimited; `refusal` is told to whoever stays unknown.
        """
        self._transport = transport
        self._prove = prove
        self._count_slow = count_slow
        self.address = address
        self.outbound = Outbound(transport.write, queue_size, self._overflowed, turn_end)
        transport.attach(self.outbound, self)
        self.sessions: dict[str, TenantT] = {}
        """By namespace."""
        self.in_flight = 0
        """Events of the client that have no answer yet."""
        self.is_draining = False
        """Whether its events are no longer taken: the process is about to end."""
        self.close_reason: str | None = None
        """Why we ended it; None while it is open, or if the client ended it."""
        self.refusal = refusal
        """Why nobody without a token may join: the address has opened too many sockets."""
        self.owner: int | None = None
        """The user the socket is counted to; None: its address."""
        self._heard_at = asyncio.get_running_loop().time()
        self._awaits_pong = False

    @property
    def is_open(self) -> bool:
        """Say whether we have not asked for the end."""
        return self.close_reason is None

    @property
    def is_busy(self) -> bool:
        """Say whether something that was taken has no answer yet, or one that isn't sent."""
        return self.in_flight > 0 or len(self.outbound) > 0

    def proved(self, user_id: int) -> None:
        """Note whose socket it is; raises RateLimited if they have opened too many."""
        if self.owner is not None:
            return
        try:
            self._prove(self.address, user_id)
        except RateLimited as error:
            self.refusal = error
            raise
        self.owner = user_id
        self.refusal = None

    def connected(self, namespace: str, session: TenantT) -> None:
        """Note that the client has connected a namespace; a session that was there ends."""
        before = self.sessions.get(namespace)
        if before is not None:
            before.end()
        self.sessions[namespace] = session
        self._transport.joined()

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
        self.outbound.stop()
        for session in self.sessions.values():
            session.end()
        self.sessions.clear()

    def ping(self, now: float, interval: float) -> None:
        """Send a ping if one is due, `now` of the event loop's clock, both in seconds.

        That it is answered, the transport's deadline sees to.
        """
        if not self._awaits_pong and now - self._heard_at >= interval:
            self._awaits_pong = True
            self.outbound.push(PING)

    def pong(self, now: float) -> None:
        """Note that the client has answered; what answers no ping says nothing."""
        if self._awaits_pong:
            self._heard_at = now
            self._awaits_pong = False
            self._transport.alive()

    def limited(self) -> None:
        """Note that a limit refused an event; a client that goes on and on is closed."""
        self._transport.spend()

    def expired(self, state: ConnectionState) -> None:
        """End the socket, whose deadline has passed."""
        if state is ConnectionState.SOCKET_UNREAD:
            self._overflowed()
        else:
            self.close(NO_NAMESPACE if state is ConnectionState.JOINING else NO_PONG)

    def flooded(self) -> None:
        """End the socket, which has sent too many frames that are no events."""
        self.close(FLOOD)

    def _overflowed(self) -> None:
        if self.close_reason is None:
            self._count_slow()
            self.close(SLOW_CONSUMER)
