"""One namespace of one socket: who it is, which rooms it is in, and how its events are answered.

Laws: every event that asks for an ack gets exactly one, whatever it holds and whatever fails. An
event is handled in the step in which it was read, so a command is on the engine's queue before the
next event is looked at; its ack follows after the commit. How many events may lack an answer is
bounded per socket, how many may come by the budget of the event's row (`access/budgets.py`).
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from gateway.access.api_keys.standing import LACKS_SCOPE, NOT_BY_KEY, KeyUse, Scope
from gateway.access.budgets import Budget
from gateway.access.principals import Principal
from gateway.access.rate_limits import RateLimits
from gateway.observability.logs import Logger
from gateway.observability.tallies import Tally
from gateway.sockets.framing.frames import NAMESPACES, Message, ack_frame
from gateway.sockets.link import (
    ACCOUNT_SUSPENDED,
    GOING_AWAY,
    KEY_ENDED,
    ROLE_CHANGED,
    SESSION_ENDED,
    SHUTTING_DOWN,
    TOKEN_EXPIRED,
    UNTOLD,
    SocketLink,
)
from gateway.sockets.rooms import UserRooms
from gateway.wire.errors import (
    ApiError,
    ErrorBody,
    Forbidden,
    InternalError,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from gateway.wire.failures import answer_of

T = TypeVar("T")

_HELD_BACK: Final = (Budget.STANDARD, Budget.WRITE)
"""What a socket with too many unanswered events may not send."""
UNANSWERED_MAX: Final = 1_024
"""Of sweeps, which no limit refuses: nobody who reads his answers comes near it."""


class Ok(msgspec.Struct, frozen=True):
    """The ack of an event that was done."""

    ok: bool
    data: Any


class NotOk(msgspec.Struct, frozen=True):
    """The ack of an event that was refused."""

    ok: bool
    error: ErrorBody


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTools:
    """What all sessions of a process use, the same for each."""

    users: "UserRooms[SocketSession]"
    limits: RateLimits
    in_flight_max: int
    """Events a socket may have without an answer."""
    sent: Tally
    logger: Logger


class SocketSession:
    """A member of rooms who can send events."""

    __slots__ = (
        "_expiry",
        "_on_end",
        "_tasks",
        "_tools",
        "authority",
        "link",
        "namespace",
        "only_reads",
        "outbound",
        "principal",
    )

    def __init__(
        self, link: "SocketLink[SocketSession]", namespace: str, tools: "SessionTools"
    ) -> None:
        self.link = link
        self.outbound = link.outbound
        self.namespace = NAMESPACES.index(namespace)
        self.principal: Principal | None = None
        self.authority: KeyUse | None = None
        """The API key by which it was signed in, if it was."""
        self.only_reads = False
        """Whether an auditor is signed in."""
        self._tools = tools
        self._on_end: list[Callable[[], None]] = []
        self._expiry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    # -- who it is ----------------------------------------------------------------------------

    def sign_in(self, principal: Principal) -> None:
        """Take a verified principal's place: its room, until its token expires.

        Raises RateLimited if the user has opened too many sockets.
        """
        self.link.proved(principal.user_id)
        users, before = self._tools.users, self.principal
        self.principal, self.authority = principal, principal.key
        self.only_reads = principal.is_auditor
        # A renewed token must not look like a reconnect: the room and its numbers go on.
        if before is None or before.user_id != principal.user_id:
            if before is not None:
                users.leave(self, before.user_id)
            users.join(self, principal.user_id)
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
        principal = self.principal
        if principal is not None and principal.session_id == session_id and principal.key is None:
            self.link.close(SESSION_ENDED)

    def role_changed(self, role: str) -> None:
        """Close the socket if it was signed in by somebody who has another role now."""
        principal = self.principal
        if principal is not None and principal.key is None and principal.role != role:
            self.link.close(ROLE_CHANGED)

    def suspended(self) -> None:
        """Close the socket: the account of whoever is signed in was suspended."""
        self.link.close(ACCOUNT_SUSPENDED)

    def key_changed(self) -> None:
        """Close the socket if the key it was signed in by may not be used here any more."""
        if self.authority is not None and self.authority.refusal() is not None:
            self.link.close(KEY_ENDED)

    def require_scope(self, scope: Scope | None) -> None:
        """Raise Forbidden if the session's key may not do what asks for a scope; and whatever says
        that the key itself may not be used any more.
        """
        if self.authority is not None:
            refusal = self.authority.refusal()
            if refusal is not None:
                raise refusal
            if not self.authority.allows(scope):
                raise Forbidden(LACKS_SCOPE if scope is Scope.TRADE else NOT_BY_KEY)

    def _expired(self) -> None:
        self.link.close(TOKEN_EXPIRED)

    def send_away(self) -> None:
        """Close the socket: what it follows can't be told to it any further."""
        self.link.close(UNTOLD, GOING_AWAY)

    def on_end(self, leave: Callable[[], None]) -> None:
        """Have `leave` called once when the session ends; it must not raise."""
        self._on_end.append(leave)

    def end(self) -> None:
        """Leave every room; the namespace or the socket has ended."""
        for leave in self._on_end:
            leave()
        self._on_end.clear()
        if self.principal is not None:
            self._tools.users.leave(self, self.principal.user_id)
        if self._expiry is not None:
            self._expiry.cancel()
        for task in list(self._tasks):
            task.cancel()

    # -- answers ------------------------------------------------------------------------------

    def admit(self, budget: Budget, cost: int = 1) -> None:
        """Count an event that came in; raises RateLimited, and Unavailable at the end.

        What waits for its answer leaves room for cancels and sign-in, which their budgets bound; a
        client that goes on and on cancelling all is closed, as for any other flood.
        """
        tools, link = self._tools, self.link
        if link.is_draining:
            raise Unavailable(SHUTTING_DOWN)
        most = tools.in_flight_max
        if link.in_flight >= most and (
            budget in _HELD_BACK
            or (budget is Budget.CANCEL_ALL and link.in_flight >= UNANSWERED_MAX)
        ):
            message = f"A socket may have at most {most} unanswered events"
            raise RateLimited(1, message, limit="in-flight")
        principal = self.principal
        user_id = None if principal is None else principal.counted_as
        if not tools.limits.count(budget, user_id, link.address, cost):
            link.limited()

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
            self._push(ack_frame(self.namespace, ack_id, NotOk(False, error.body())))

    def _push(self, frame: bytes) -> None:
        self.outbound.push(frame)
        self._tools.sent.count += 1

    def refuse_failure(self, ack_id: int | None, error: BaseException) -> None:
        """Acknowledge an event that raised, with the answer its failure has."""
        answer = answer_of(error)
        if answer is None:
            self._tools.logger.error("socket event failed", exc_info=error)
            answer = InternalError()
        if isinstance(answer, RateLimited):
            self.link.limited()
        self.refuse(ack_id, answer)

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

    def run_acking(self, ack_id: int | None, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, which acknowledges the event itself; what it raises is the refusal.

        So it can queue something right behind its ack. It ends with the session.
        """
        self.link.in_flight += 1
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def done(settled: "asyncio.Task[None]") -> None:
            self._tasks.discard(settled)
            self.link.in_flight -= 1
            try:
                settled.result()
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every event is answered
                self.refuse_failure(ack_id, error)

        task.add_done_callback(done)

    def run(self, ack_id: int | None, work: Coroutine[Any, Any, object]) -> None:
        """Acknowledge an event with what `work` returns; it ends with the session."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.answer_later(ack_id, task, lambda data: data)
