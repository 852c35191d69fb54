"""The rows of the route table under /admin/users that concern an account in the exchange: issuing
credits to it, taking them back, and suspending it.
"""

from typing import Annotated, Final

import msgspec

from exchange.messages.account_events import StandingChanged
from exchange.messages.bounds import CREDIT_MAX, REASON_LENGTH
from exchange.messages.commands import CreditAccount, DebitAccount, SuspendAccount
from exchange.messages.events import OrderCancelled
from exchange.messages.terms import Standing
from exchange.messages.units import format_money
from gateway.engine_side.audited import AuditedCommands
from gateway.http.request import AnyRequest, Request
from gateway.http.routing import Access, Route
from gateway.trading.order_bodies import ClientIdText, check_client_id
from gateway.trading.views import BalanceView, balance_view
from gateway.wire import strict_json
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    NotFound,
    ProposalRequired,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import TimeText, parse_time
from gateway.wire.strict_json import AnswerStruct, BodyStruct, CreditText, stored_text

_ERRORS: Final = (
    NotFound,
    Forbidden,
    ProposalRequired,
    Conflict,
    Refused,
    Unavailable,
    UnknownOutcome,
)

ReasonText = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_LENGTH)]


class CreditBody(BodyStruct, frozen=True):
    """Credits to issue; with a `requestId` a repeat does nothing, without one it issues again."""

    amount: CreditText
    reason: ReasonText
    request_id: ClientIdText | None = None


class DebitBody(CreditBody, frozen=True):
    """Credits to take back; with a `requestId` a repeat does nothing, without one it takes again.

    Carried out later than `validUntil`, if given, it is refused.
    """

    valid_until: TimeText | None = None


class CreditView(AnswerStruct, frozen=True):
    """What was issued to whom, and the balance right after."""

    user_id: str
    amount: str
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


class DebitView(CreditView, frozen=True):
    """What was taken from whom, and the balance right after."""


class SuspensionBody(BodyStruct, frozen=True):
    """Whether the account may trade and pay no longer, and why; the reason goes into the log."""

    suspended: bool
    reason: ReasonText


class SuspensionView(AnswerStruct, frozen=True):
    """What the account may do now, and how many open orders it lost."""

    user_id: str
    standing: Standing
    cancelled: int


class AccountAdminRoutes:
    """Looks after accounts."""

    def __init__(self, commands: AuditedCommands) -> None:
        self._commands = commands

    async def credit(self, request: Request[CreditBody, None]) -> CreditView:
        """Issue credits to a user."""
        self._commands.require_alone("user.credit")
        command = credit_command(request.body, request.path_id("id"))
        return CreditView(*await self._move(request, "user.credit", command))

    async def debit(self, request: Request[DebitBody, None]) -> DebitView:
        """Take credits back from a user."""
        self._commands.require_alone("user.debit")
        command = debit_command(request.body, request.path_id("id"))
        return DebitView(*await self._move(request, "user.debit", command))

    async def _move(
        self, request: AnyRequest, action: str, command: CreditAccount | DebitAccount
    ) -> tuple[str, str, BalanceView, bool | msgspec.UnsetType]:
        """Carry out a credit or a debit; return the fields of its view."""
        user_id, amount = str(command.account_id), format_money(command.amount)
        target = f"user:{user_id} {amount}"
        answer, _, replayed = await self._commands.run(request.actor, action, target, command)
        balance = balance_view(answer.available, answer.locked)
        return user_id, amount, balance, True if replayed else msgspec.UNSET

    async def suspend(self, request: Request[SuspensionBody, None]) -> SuspensionView:
        """Suspend a user's account, or let it trade again."""
        body, user_id = request.body, request.path_id("id")
        reason = stored_text(body.reason, "reason", REASON_LENGTH)
        if user_id == request.user_id:
            raise Forbidden("Nobody suspends themselves")
        action = "user.suspend" if body.suspended else "user.unsuspend"
        command = SuspendAccount(user_id, body.suspended)
        target = f"user:{user_id} {reason}"
        _, events, _ = await self._commands.run(request.actor, action, target, command)
        last = events[-1]
        if type(last) is not StandingChanged:
            raise TypeError(f"a suspension ends with {type(last).__name__}")
        cancelled = sum(type(event) is OrderCancelled for event in events)
        return SuspensionView(str(user_id), last.standing, cancelled)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/admin/users/{id}/credit",
                handler=self.credit,
                access=Access.ADMIN,
                body=CreditBody,
                answer=CreditView,
                errors=_ERRORS,
                summary="Issue credits to a user",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/users/{id}/debit",
                handler=self.debit,
                access=Access.ADMIN,
                body=DebitBody,
                answer=DebitView,
                errors=_ERRORS,
                summary="Take credits back from a user",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/users/{id}/suspend",
                handler=self.suspend,
                access=Access.ADMIN,
                body=SuspensionBody,
                answer=SuspensionView,
                errors=_ERRORS,
                summary="Suspend a user's account, or let it trade again",
                tag="admin",
            ),
        )


def credit_command(body: CreditBody, user_id: int) -> CreditAccount:
    """Return the command that a credit's body stands for; raises ValidationFailed."""
    amount, reason = _what_and_why(body)
    return CreditAccount(user_id, amount, reason, body.request_id)


def debit_command(body: DebitBody, user_id: int) -> DebitAccount:
    """Return the command that a debit's body stands for; raises ValidationFailed."""
    amount, reason = _what_and_why(body)
    until = None if body.valid_until is None else parse_time(body.valid_until, "validUntil")
    return DebitAccount(user_id, amount, reason, body.request_id, valid_until=until)


def _what_and_why(body: CreditBody) -> tuple[int, str]:
    """Return the amount (money) and the reason; raises ValidationFailed."""
    amount = strict_json.money(body.amount)
    if amount > CREDIT_MAX:
        raise ValidationFailed.of("amount", f"must be at most {format_money(CREDIT_MAX)}")
    if body.request_id is not None:
        check_client_id(body.request_id, "requestId")
    return amount, stored_text(body.reason, "reason", REASON_LENGTH)
