"""The rows of the route table under /admin that concern the exchange.

Credits, the mode, figures, the audit log.
"""

from collections import Counter
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CREDIT_MAX, REASON_LENGTH
from exchange.messages.commands import CreditAccount, SetExchangeMode
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.messages.units import format_money
from exchange.model.state import State
from gateway.engine_side.audited import AuditedCommands
from gateway.engine_side.readiness import ViewFeed
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.trading.order_bodies import ClientIdText, check_client_id
from gateway.trading.views import BalanceView, balance_view
from gateway.wire import strict_json
from gateway.wire.errors import (
    Conflict,
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import NAME_LENGTH, iso_millis, parse_id
from gateway.wire.strict_json import AnswerStruct, BodyStruct, CreditText, stored_text
from persistence.repositories.audit import AuditEntry, AuditFilter, AuditLog

AUDIT_LENGTH: Final = 200
"""Characters of a filter."""
_COMMAND_ERRORS: Final = (Refused, Unavailable, UnknownOutcome)

ReasonText = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_LENGTH)]

IdText = Annotated[str, msgspec.Meta(max_length=NAME_LENGTH, description="of the user who did it")]
ActionText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=AUDIT_LENGTH, description="e.g. user.credit")
]
TargetText = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=AUDIT_LENGTH, description="what it begins with, e.g. user:7"
    ),
]
RequestIdText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=AUDIT_LENGTH, description="of the request's answer")
]


class CreditBody(BodyStruct, frozen=True):
    """Credits to issue; with a `requestId` a repeat does nothing, without one it issues again."""

    amount: CreditText
    reason: ReasonText
    request_id: ClientIdText | None = None


class CreditView(AnswerStruct, frozen=True):
    """What was issued to whom, and the balance right after."""

    user_id: str
    amount: str
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


class ModeBody(BodyStruct, frozen=True):
    """What the exchange takes from now on."""

    mode: ExchangeMode


class ModeView(AnswerStruct, frozen=True):
    """What the exchange takes now."""

    mode: ExchangeMode


class StatsView(AnswerStruct, frozen=True):
    """Figures of the whole exchange; `issued` = all cash + `collateral` + `fees`, always."""

    mode: ExchangeMode
    epoch: int
    seq: int
    time: str
    accounts: int
    markets: dict[MarketStatus, int]
    open_orders: int
    trades: int
    issued: str
    collateral: str
    fees: str


class AuditView(AnswerStruct, frozen=True):
    """One line of the audit log."""

    id: str
    at: str
    actor_id: str | None
    action: str
    target: str | None
    outcome: str
    request_id: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """Return the view of a line."""
        actor_id = None if entry.actor_id is None else str(entry.actor_id)
        return cls(
            str(entry.id),
            iso_millis(entry.at),
            actor_id,
            entry.action,
            entry.target,
            entry.outcome,
            entry.request_id,
        )


class AuditQuery(PageQuery, frozen=True):
    """Which lines of the audit log; what is unset matches all."""

    actor: IdText | None = None
    action: ActionText | None = None
    target: TargetText | None = None
    request_id: RequestIdText | None = None


class ExchangeAdminRoutes:
    """Looks after the exchange as a whole."""

    def __init__(
        self,
        view: State,
        feed: ViewFeed,
        commands: AuditedCommands,
        log: AuditLog,
        pages: PageLimits,
    ) -> None:
        self._view = view
        self._feed = feed
        self._commands = commands
        self._log = log
        self._pages = pages

    async def credit(self, request: Request[CreditBody, None]) -> CreditView:
        """Issue credits to a user."""
        body, user_id = request.body, request.path_id("id")
        amount = strict_json.money(body.amount)
        if amount > CREDIT_MAX:
            raise ValidationFailed.of("amount", f"must be at most {format_money(CREDIT_MAX)}")
        if body.request_id is not None:
            check_client_id(body.request_id, "requestId")
        reason = stored_text(body.reason, "reason", REASON_LENGTH)
        command = CreditAccount(user_id, amount, reason, body.request_id)
        target = f"user:{user_id} {format_money(amount)}"
        answer, _, replayed = await self._commands.run(
            request.actor, "user.credit", target, command
        )
        return CreditView(
            str(user_id),
            format_money(amount),
            balance_view(answer.available, answer.locked),
            True if replayed else msgspec.UNSET,
        )

    async def set_mode(self, request: Request[ModeBody, None]) -> ModeView:
        """Say what the exchange takes from now on."""
        mode = request.body.mode
        await self._commands.run(
            request.actor, "exchange.mode", f"exchange {mode.value}", SetExchangeMode(mode)
        )
        return ModeView(mode)

    async def stats(self, _request: Request[None, None]) -> StatsView:
        """Return figures of the exchange.  O(markets)."""
        view = self._view
        markets = view.markets.values()
        by_status = Counter(market.status for market in markets)
        return StatsView(
            view.mode,
            self._feed.epoch,
            view.seq,
            iso_millis(view.now),
            len(view.accounts),
            {status: by_status[status] for status in MarketStatus},
            len(view.orders),
            sum(market.trade_no for market in markets),
            format_money(view.issued),
            format_money(sum(market.collateral for market in markets)),
            format_money(view.fees),
        )

    async def audit(self, request: Request[None, AuditQuery]) -> Page[AuditView]:
        """Return one page of the audit log, newest first."""
        query = request.query
        limit, offset = query.bounds(self._pages)
        actor_id = None
        if query.actor is not None:
            actor_id = parse_id(query.actor)
            if actor_id is None:
                raise ValidationFailed.of("actor", "must be a user's id")
        wanted = AuditFilter(actor_id, query.action, query.target, query.request_id)
        entries, total = await self._log.page(limit + 1, offset, query.number(), wanted)
        return page_of(entries, limit, offset, total, AuditView.of, lambda entry: str(entry.id))

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
                errors=(NotFound, Conflict, *_COMMAND_ERRORS),
                summary="Issue credits to a user",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/exchange/mode",
                handler=self.set_mode,
                access=Access.ADMIN,
                body=ModeBody,
                answer=ModeView,
                errors=_COMMAND_ERRORS,
                summary="Set what the exchange takes: open, post-only, cancel-only or halted",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/stats",
                handler=self.stats,
                access=Access.ADMIN,
                answer=StatsView,
                summary="Show figures of the exchange",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/audit",
                handler=self.audit,
                access=Access.ADMIN,
                query=AuditQuery,
                answer=AuditView,
                shape=Shape.PAGE,
                summary="Read the audit log",
                tag="admin",
            ),
        )
