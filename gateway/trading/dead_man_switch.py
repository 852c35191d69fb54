"""The dead-man switch: a trader who isn't heard again in time has all open orders taken out.

    POST /orders/heartbeat {timeoutMs}        session:heartbeat {timeoutMs}

Laws: the deadline is the engine's, set when the command runs, and the engine carries it out, so it
works whatever became of the connection or the process that took it (`rules/accounts/switches.py`).
A heartbeat goes by the cancels' lane and counts as a cancel: nobody's own orders can starve it.
"""

from typing import Annotated

import msgspec

from exchange.messages.account_events import DeadManSet
from exchange.messages.bounds import DEAD_MAN_MS
from exchange.messages.commands import SetDeadMan
from exchange.rules.accounts.switches import timeout_problem
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.engine_side.refusals import accepted
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.trading.desk import Sent
from gateway.wire.errors import (
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.loop.ports import Answer, CommandPort

TimeoutMs = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=DEAD_MAN_MS[1],
        description=f"0 lifts the switch, else {DEAD_MAN_MS[0]} to {DEAD_MAN_MS[1]}",
    ),
]


class HeartbeatBody(BodyStruct, frozen=True):
    """Within how many milliseconds the account will be heard again; 0 lifts the switch."""

    timeout_ms: TimeoutMs


class DeadManView(AnswerStruct, frozen=True):
    """When all open orders end unless a heartbeat comes before; null: never."""

    timeout_ms: int
    deadline: str | None


class DeadManSwitch:
    """Takes heartbeats over every transport."""

    def __init__(self, commands: CommandPort) -> None:
        self._commands = commands

    def set(self, account_id: int, timeout_ms: int) -> Sent[DeadManView]:
        """Send a heartbeat; raises ValidationFailed, CommandNotTaken."""
        problem = timeout_problem(timeout_ms)
        if problem is not None:
            raise ValidationFailed.of("timeoutMs", problem)
        answered = self._commands.submit(SetDeadMan(account_id, timeout_ms))
        return Sent(answered, lambda answer: _view(answer, timeout_ms))

    async def over_rest(self, request: Request[HeartbeatBody, None]) -> DeadManView:
        """Set, renew or lift the caller's switch."""
        return await self.set(request.user_id, request.body.timeout_ms).result()

    def over_socket(self, session: SocketSession, body: HeartbeatBody, ack_id: int | None) -> None:
        """Set, renew or lift the caller's switch."""
        sent = self.set(session.user_id(), body.timeout_ms)
        session.answer_later(ack_id, sent.answered, sent.show)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/orders/heartbeat",
                handler=self.over_rest,
                access=Access.USER,
                scope=Scope.TRADE,
                body=HeartbeatBody,
                answer=DeadManView,
                errors=(NotFound, Refused, Unavailable, UnknownOutcome),
                budget=Budget.CANCEL,
                summary="Set, renew or lift one's dead-man switch",
                tag="orders",
            ),
        )

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        return {
            "session:heartbeat": SocketEvent(
                msgspec.json.Decoder(HeartbeatBody),
                self.over_socket,
                budget=Budget.CANCEL,
                scope=Scope.TRADE,
                answer=DeadManView,
                summary="Say that one is there, or all orders end",
            ),
        }


def _view(answer: Answer, timeout_ms: int) -> DeadManView:
    events, _ = accepted(answer)
    first = events[0]
    if type(first) is not DeadManSet:
        raise TypeError(f"a heartbeat is answered by {type(first).__name__}")
    return DeadManView(timeout_ms, None if first.due is None else iso_millis(first.due))
