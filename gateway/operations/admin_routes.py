"""The rows of the route table under /admin that concern the exchange.

The mode and figures. What concerns one account is `account_routes.py`'s.
"""

from collections import Counter
from typing import Final

from exchange.messages.commands import SetExchangeMode
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.messages.units import format_money
from exchange.model.state import State
from gateway.engine_side.audited import AuditedCommands
from gateway.engine_side.readiness import ViewFeed
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import (
    ProposalRequired,
    Refused,
    Unavailable,
    UnknownOutcome,
)
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct, BodyStruct

_COMMAND_ERRORS: Final = (ProposalRequired, Refused, Unavailable, UnknownOutcome)


MODES: Final = (
    ExchangeMode.OPEN,
    ExchangeMode.POST_ONLY,
    ExchangeMode.CANCEL_ONLY,
    ExchangeMode.HALTED,
)
"""From the one in which most is taken."""


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


class ExchangeAdminRoutes:
    """Looks after the exchange as a whole."""

    def __init__(
        self,
        view: State,
        feed: ViewFeed,
        commands: AuditedCommands,
    ) -> None:
        self._view = view
        self._feed = feed
        self._commands = commands

    async def set_mode(self, request: Request[ModeBody, None]) -> ModeView:
        """Say what the exchange takes from now on."""
        mode = request.body.mode
        if MODES.index(mode) < MODES.index(self._view.mode):
            self._commands.require_alone("exchange.mode")
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
        )
