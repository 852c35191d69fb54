"""The rows of the route table under /admin that concern the exchange.

The mode, figures, the audit log. What concerns one account is `account_routes.py`'s.
"""

from collections import Counter
from typing import Annotated, Final

import msgspec

from exchange.messages.commands import SetExchangeMode
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.messages.units import format_money
from exchange.model.state import State
from gateway.engine_side.audited import AuditedCommands
from gateway.engine_side.readiness import ViewFeed
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import (
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import NAME_LENGTH, iso_millis, parse_id
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.audit import AuditEntry, AuditFilter, AuditLog

AUDIT_LENGTH: Final = 200
"""Characters of a filter."""
_COMMAND_ERRORS: Final = (Refused, Unavailable, UnknownOutcome)

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
        (limit, offset), before = query.bounds(self._pages), query.number()
        actor_id = None
        if query.actor is not None:
            actor_id = parse_id(query.actor)
            if actor_id is None:
                raise ValidationFailed.of("actor", "must be a user's id")
        wanted = AuditFilter(actor_id, query.action, query.target, query.request_id)
        entries, total = await self._log.page(limit + 1, offset, before, wanted)
        return page_of(entries, limit, offset, total, AuditView.of, lambda entry: str(entry.id))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
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
