"""Every socket of the process: its life, and what its clients send.

Events are read and answered in one step (`events.py`); joining and leaving a namespace is the
library's (`library.py`), which asks here whether it may. Frames go out by `outbound.py`.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from gateway.access.principals import Principal, TokenChecks
from gateway.access.socket_limits import SocketLimits
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.sockets.events import SocketEvent, SocketSignIn, handle, handle_binary
from gateway.sockets.framing.frames import event_head
from gateway.sockets.framing.outbound import TurnEnd
from gateway.sockets.framing.protocol import (
    BROKEN,
    ENDED,
    PONG,
    EventFrame,
    NamespaceFrame,
    read_frame,
)
from gateway.sockets.framing.transport import transport_of
from gateway.sockets.link import BROKEN_FRAME, SocketLink
from gateway.sockets.rooms import UserRooms
from gateway.sockets.session import SessionTools, SocketSession
from gateway.sockets.settings import SocketSettings
from gateway.wire.errors import ApiError, InternalError, Unauthorized, Unavailable
from gateway.wire.failures import answer_of

PROTOCOL_ERROR: Final = 1002
ADDRESS: Final = "probity.address"
"""The scope's key of the client's address, counted already."""
REFUSAL: Final = "probity.refusal"
"""The scope's key of why nobody without a token may join, or None."""

Link = SocketLink[SocketSession]


class SocketServer:
    """The sockets that are open, by their links."""

    def __init__(
        self,
        settings: SocketSettings,
        events: Mapping[str, SocketEvent],
        tokens: TokenChecks,
        sign_in: SocketSignIn,
        limits: SocketLimits,
        tools: SessionTools,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._events = events
        self._sign_in = sign_in
        self.limits = limits
        self._tools = tools
        self._metrics = metrics
        self._turn_end = TurnEnd()
        self.links: dict[Link, None] = {}
        tokens.on_revoked.append(self._revoked)

    @property
    def users(self) -> UserRooms[SocketSession]:
        """Return the rooms of those who are signed in."""
        return self._tools.users

    # -- a socket's life ----------------------------------------------------------------------

    def open_link(self, scope: dict[str, Any]) -> Link:
        """Return the link of a connection that was just accepted."""
        settings = self._settings
        transport = transport_of(scope["extensions"])
        link = Link(
            transport,
            scope[ADDRESS],
            settings.send_queue_size,
            self._turn_end,
            self._metrics.connections.slow_consumers_closed.inc,
            self.limits.proved,
            scope.get(REFUSAL),
        )
        transport.read_by(partial(self.take, link))
        self.links[link] = None
        self._metrics.connections.sockets.set(len(self.links))
        return link

    def forget(self, link: Link) -> None:
        """Undo everything of a connection that has ended."""
        link.ended()
        self.links.pop(link, None)
        self._metrics.connections.sockets.set(len(self.links))

    def greeting(self, sid: str) -> dict[str, Any]:
        """Return what Engine.IO's handshake says."""
        settings = self._settings
        return {
            "sid": sid,
            "upgrades": [],
            "pingInterval": int(settings.ping_interval_seconds * 1_000),
            "pingTimeout": int(settings.ping_timeout_seconds * 1_000),
            "maxPayload": settings.frame_max_bytes,
        }

    async def join(self, link: Link, namespace: str, auth: object) -> None:
        """Open a session in a namespace for who `auth` says; raises ApiError."""
        principal = await self._principal(link, auth)
        if principal is not None:
            link.proved(principal.user_id)
        elif link.refusal is not None:
            raise link.refusal
        if not link.is_open:
            raise Unavailable(link.close_reason or "")
        session = SocketSession(link, namespace, self._tools)
        link.connected(namespace, session)
        if principal is not None:
            session.sign_in(principal)

    def count_refusal(self, error: ApiError) -> None:
        """Count a socket that was told it may not come in."""
        self._metrics.refusals.sockets.labels(error.code).inc()

    def principals(self) -> list[Principal]:
        """Return who is signed in on any socket by a session."""
        members = (member for room in self.users.rooms.values() for member in room.members)
        found = [member.principal for member in members if member.principal is not None]
        return [principal for principal in found if principal.key is None]

    def key_changed(self, user_id: int) -> None:
        """Close the sockets of a user whose API key may not be used there any more."""
        for session in self.users.members_of(user_id):
            session.key_changed()

    def role_changed(self, user_id: int, role: str) -> None:
        """Close the sockets of a user who has another role now: what they may hear is another."""
        for session in self.users.members_of(user_id):
            session.role_changed(role)

    def _revoked(self, user_id: int, session_id: int) -> None:
        for session in self.users.members_of(user_id):
            session.revoked(session_id)

    async def _principal(self, link: Link, auth: object) -> Principal | None:
        """Return who the handshake's `auth` says; None if it says nobody."""
        is_signed = isinstance(auth, dict) and "apiKey" in auth
        token = auth.get("token") if isinstance(auth, dict) else auth
        if not is_signed and (token is None or token == ""):
            return None
        try:
            if isinstance(auth, dict) and is_signed:
                return await self._sign_in.signed(link.address, auth)
            if not isinstance(token, str):
                raise Unauthorized
            return await self._sign_in.verified(link.address, token)
        except ApiError:
            raise
        except Exception as error:
            answer = answer_of(error)
            if answer is None:
                logger: Logger = self._tools.logger
                logger.error("socket sign-in failed", exc_info=error)  # noqa: TRY400 - structlog
                answer = InternalError()
            raise answer from error

    # -- what a client sends ------------------------------------------------------------------

    def take(self, link: Link, text: str) -> bool:
        """Handle a frame in the step in which it was read, if it is a session's event; say so."""
        if not text.startswith("42") or not link.is_open:
            return False
        # A thousand times a second: straight to its handler, with no frame made in between.
        head = event_head(text[2:])
        session = None if head is None else link.sessions.get(head[0])
        if head is None or session is None:
            return False
        self._metrics.messages_in.count += 1
        handle(session, head[1], head[2], self._events)
        return True

    def receive(self, link: Link, text: str) -> NamespaceFrame | None:
        """Handle a frame that wasn't taken at once; return one that the library has to look at.

        Raises ConnectionEnded when the client says goodbye.
        """
        if self.take(link, text):
            return None
        frame = read_frame(text)
        if isinstance(frame, NamespaceFrame):
            return frame
        if frame is BROKEN:
            link.close(BROKEN_FRAME, PROTOCOL_ERROR)
        elif frame is PONG:
            link.pong(asyncio.get_running_loop().time())
        elif frame is ENDED:
            raise ConnectionEnded
        elif isinstance(frame, EventFrame) and frame.is_binary:
            session = link.sessions.get(frame.namespace)
            if session is not None:
                self._metrics.messages_in.count += 1
                handle_binary(session, frame.ack_id)
        return None


class ConnectionEnded(Exception):
    """The client has said that it goes."""
