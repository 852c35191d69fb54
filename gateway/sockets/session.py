"""One namespace of one socket: who it is, which rooms it is in, and how its events are answered.

Laws: every event that asks for an ack gets exactly one, whatever it holds and whatever fails. An
event is handled in the step in which it was read, so a command is on the engine's queue before the
next event is looked at; its ack follows after the commit. How many events may lack an answer is
bounded per socket, how many may come is bounded per user (per address before login).
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.access.principals import Principal
from gateway.http.responses import ErrorBody
from gateway.sockets.frames import NAMESPACES, Message, ack_frame
from gateway.sockets.link import (
    GOING_AWAY,
    SESSION_ENDED,
    SHUTTING_DOWN,
    TOKEN_EXPIRED,
    UNTOLD,
    SocketLink,
)
from gateway.sockets.services import SocketServices
from gateway.wire.errors import (
    ApiError,
    DatabaseAway,
    InternalError,
    RateLimited,
    Refused,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from persistence.errors import CommandNotTaken, EngineElsewhere, OutcomeUnknown
from persistence.postgres.database import OUTAGES

T = TypeVar("T")

BOOKS_PER_SESSION: Final = 400
"""Books (market and outcome) one session may follow."""


class Ok(msgspec.Struct, frozen=True):
    """The ack of an event that was done."""

    ok: bool
    data: Any


class NotOk(msgspec.Struct, frozen=True):
    """The ack of an event that was refused."""

    ok: bool
    error: ErrorBody


class SocketSession:
    """A member of rooms who can send events."""

    __slots__ = (
        "_books",
        "_expiry",
        "_tasks",
        "link",
        "namespace",
        "outbound",
        "principal",
        "services",
    )

    def __init__(self, link: SocketLink, namespace: str, services: SocketServices) -> None:
        self.link = link
        self.outbound = link.outbound
        self.namespace = NAMESPACES.index(namespace)
        self.services = services
        self.principal: Principal | None = None
        self._books: dict[tuple[int, Outcome], None] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    # -- who it is ----------------------------------------------------------------------------

    def sign_in(self, principal: Principal) -> None:
        """Take a verified principal's place: its room, until its token expires."""
        rooms = self.services.rooms
        if self.principal is not None:
            rooms.leave_user(self, self.principal.user_id)
        self.principal = principal
        rooms.join_user(self, principal.user_id)
        if self._expiry is not None:
            self._expiry.cancel()
        left = max(0.0, principal.expires_at - time.time())
        self._expiry = asyncio.get_running_loop().call_later(left, self._expired)

    def user_id(self) -> int:
        """Return who trades here; raises Unauthorized for nobody."""
        if self.principal is None:
            raise Unauthorized
        return self.principal.user_id

    def revoked(self, session_id: int) -> None:
        """Close the socket if it was signed in by a session that has ended."""
        if self.principal is not None and self.principal.session_id == session_id:
            self.link.close(SESSION_ENDED)

    def _expired(self) -> None:
        self.link.close(TOKEN_EXPIRED)

    def send_away(self) -> None:
        """Close the socket: what it follows can't be told to it any further."""
        self.link.close(UNTOLD, GOING_AWAY)

    def end(self) -> None:
        """Leave every room; the namespace or the socket has ended."""
        rooms = self.services.rooms
        for market_id, outcome in self._books:
            rooms.leave_book(self, market_id, outcome)
        self._books.clear()
        if self.principal is not None:
            rooms.leave_user(self, self.principal.user_id)
        if self._expiry is not None:
            self._expiry.cancel()
        for task in list(self._tasks):
            task.cancel()

    # -- rooms --------------------------------------------------------------------------------

    def check_room_for(self, market_id: int, outcomes: tuple[Outcome, ...]) -> None:
        """Raise Refused if following these books too would be too many."""
        new = sum((market_id, outcome) not in self._books for outcome in outcomes)
        if len(self._books) + new > BOOKS_PER_SESSION:
            message = f"A socket may follow at most {BOOKS_PER_SESSION} books"
            raise Refused("TOO_MANY_SUBSCRIPTIONS", message)

    def subscribe(self, market: Market, outcomes: tuple[Outcome, ...]) -> None:
        """Join a market and its books, the snapshots included, in one step."""
        for outcome in outcomes:
            self._books[market.id, outcome] = None
        self.services.rooms.join_market(self, market, outcomes)

    def unsubscribe(self, market_id: int, outcomes: tuple[Outcome, ...]) -> None:
        """Leave a market's books, and the market with the last of them."""
        for outcome in outcomes:
            if (market_id, outcome) in self._books:
                del self._books[market_id, outcome]
                self.services.rooms.leave_book(self, market_id, outcome)

    def followed(self) -> list[int]:
        """Return the ids of the markets whose rooms it is in."""
        return list(dict.fromkeys(market_id for market_id, _ in self._books))

    # -- answers ------------------------------------------------------------------------------

    def admit(self) -> None:
        """Count an event that came in; raises RateLimited, and Unavailable at the end."""
        services, link = self.services, self.link
        if link.is_draining:
            raise Unavailable(SHUTTING_DOWN)
        most = services.settings.socket_in_flight_max
        if link.in_flight >= most:
            raise RateLimited(1, f"A socket may have at most {most} unanswered events")
        if self.principal is None:
            services.limits.count_address(link.address)
        else:
            services.limits.count_user(self.principal.user_id)

    def send(self, message: Message) -> None:
        """Queue a message for this session alone."""
        self._push(message.frame(self.namespace))

    def ack(self, ack_id: int | None, data: object) -> None:
        """Acknowledge an event that was done."""
        if ack_id is not None:
            self._push(ack_frame(self.namespace, ack_id, Ok(True, data)))

    def refuse(self, ack_id: int | None, error: ApiError) -> None:
        """Acknowledge an event that was refused."""
        if ack_id is not None:
            body = ErrorBody(
                error.code, error.message, error.details, error.transient, error.replayed
            )
            self._push(ack_frame(self.namespace, ack_id, NotOk(False, body)))

    def _push(self, frame: bytes) -> None:
        self.outbound.push(frame)
        self.services.metrics.messages_out.count += 1

    def refuse_failure(self, ack_id: int | None, error: BaseException) -> None:
        """Acknowledge an event that raised, with the answer its failure has."""
        if isinstance(error, ApiError):
            self.refuse(ack_id, error)
        elif isinstance(error, EngineElsewhere):
            self.refuse(ack_id, Unavailable(str(error)))
        elif isinstance(error, CommandNotTaken):
            self.refuse(ack_id, Unavailable())
        elif isinstance(error, OUTAGES):
            self.refuse(ack_id, DatabaseAway())
        elif isinstance(error, OutcomeUnknown | asyncio.CancelledError):
            self.refuse(ack_id, UnknownOutcome())
        else:
            self.services.logger.error("socket event failed", exc_info=error)
            self.refuse(ack_id, InternalError())

    def answer_later(
        self, ack_id: int | None, future: "asyncio.Future[T]", answer: Callable[[T], object]
    ) -> None:
        """Acknowledge an event when `future` is done, with what `answer` makes of its result."""
        self.link.in_flight += 1

        def done(settled: "asyncio.Future[T]") -> None:
            self.link.in_flight -= 1
            try:
                data = answer(settled.result())
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every event is answered
                self.refuse_failure(ack_id, error)
            else:
                self.ack(ack_id, data)

        future.add_done_callback(done)

    def run(self, ack_id: int | None, work: Coroutine[Any, Any, object]) -> None:
        """Acknowledge an event with what `work` returns; it ends with the session."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.answer_later(ack_id, task, lambda data: data)
