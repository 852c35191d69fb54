"""The rows of the route table under /economy that are about stocks: what there is, trading it, and
what one has.
"""

from typing import Final

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.economy.stocks.bodies import (
    StockBuyBody,
    StockSellBody,
    SymbolText,
    ask_of,
    check_symbol,
)
from gateway.economy.stocks.desk import StockDesk
from gateway.economy.stocks.views import (
    StockPositionView,
    StockTradeView,
    StockTransactionView,
    StockView,
    hours_before,
    position_view,
    stock_view,
    trade_view,
    transaction_view,
)
from gateway.http.paging import SliceQuery, slice_of
from gateway.http.request import AsOf, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.trading.views import balance_view, read_mark
from gateway.wire.errors import Conflict, Refused, Unavailable, UnknownOutcome
from persistence.clock import now_us
from persistence.repositories.economy.stocks.reading import StockReading
from persistence.repositories.economy.stocks.stocks import Stocks

COST: Final = 3
"""Calls that a list of stocks counts as: each shows a day of prices."""
_TRADE_ERRORS: Final = (Conflict, Refused, Unavailable, UnknownOutcome)


class StockTransactionsQuery(SliceQuery, frozen=True):
    """Which of them; unset: those of all stocks."""

    symbol: SymbolText | None = None


class StockRoutes:
    """Shows and trades stocks."""

    def __init__(
        self, desk: StockDesk, rows: Stocks, reading: StockReading, view: State, pages: PageLimits
    ) -> None:
        self._desk = desk
        self._rows = rows
        self._reading = reading
        self._view = view
        self._pages = pages

    async def list_stocks(self, request: Request[None, SliceQuery]) -> Slice[StockView]:
        """Return a slice of the stocks there are, the earliest first."""
        limit, after = request.query.size(self._pages), request.query.number() or 0
        found = await self._rows.page(after, limit + 1)
        shown = [one.id for one in found[:limit]]
        supplies = await self._reading.supplies(shown, hours_before(now_us()))
        return slice_of(
            found,
            limit,
            lambda row: stock_view(row, supplies.get(row.id, ())),
            lambda row: str(row.id),
        )

    async def buy(self, request: Request[StockBuyBody, None]) -> StockTradeView:
        """Buy shares."""
        return await self._trade(request, request.body)

    async def sell(self, request: Request[StockSellBody, None]) -> StockTradeView:
        """Sell shares."""
        return await self._trade(request, request.body)

    async def _trade(
        self,
        request: Request[StockBuyBody, None] | Request[StockSellBody, None],
        body: StockBuyBody | StockSellBody,
    ) -> StockTradeView:
        user_id = request.user_id
        row, order, intent, is_repeat = await self._desk.trade(
            user_id, body.symbol, ask_of(body), body.request_id, request.request_id
        )
        account = self._view.accounts.get(user_id)
        cash = (0, 0) if account is None else (account.available, account.locked)
        return trade_view(
            row,
            order,
            None if intent is None else intent.system_id,
            balance_view(*cash),
            is_repeat=is_repeat,
        )

    async def list_positions(
        self, request: Request[None, SliceQuery]
    ) -> AsOf[Slice[StockPositionView]]:
        """Return a slice of what the caller has, or had, of stocks."""
        query, mark = request.query, read_mark(self._view, request.user_id)
        limit, after = query.size(self._pages), query.number() or 0
        found = await self._reading.positions(request.user_id, after, limit + 1)
        return mark.on(slice_of(found, limit, position_view, lambda one: str(one.stock_id)))

    async def list_transactions(
        self, request: Request[None, StockTransactionsQuery]
    ) -> AsOf[Slice[StockTransactionView]]:
        """Return a slice of what happened to the caller's shares, newest first."""
        query, mark = request.query, read_mark(self._view, request.user_id)
        limit, before = query.size(self._pages), query.number() or STORED_MAX
        symbol = "" if query.symbol is None else check_symbol(query.symbol)
        found = await self._reading.trades(request.user_id, symbol, before, limit + 1)
        return mark.on(slice_of(found, limit, transaction_view, lambda one: str(one.id)))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/economy/stocks",
                handler=self.list_stocks,
                access=Access.PUBLIC,
                query=SliceQuery,
                answer=StockView,
                shape=Shape.SLICE,
                cost=COST,
                summary="List the stocks with their prices of the last day",
                tag="economy",
            ),
            Route(
                method="POST",
                path="/economy/buy",
                handler=self.buy,
                access=Access.USER,
                scope=Scope.OWNER,
                body=StockBuyBody,
                answer=StockTradeView,
                errors=_TRADE_ERRORS,
                summary="Buy shares of a stock, with or without a loan",
                tag="economy",
            ),
            Route(
                method="POST",
                path="/economy/sell",
                handler=self.sell,
                access=Access.USER,
                scope=Scope.OWNER,
                body=StockSellBody,
                answer=StockTradeView,
                errors=_TRADE_ERRORS,
                summary="Sell shares of a stock, of which a loan is paid first",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/economy/portfolio",
                handler=self.list_positions,
                access=Access.USER,
                scope=Scope.READ,
                query=SliceQuery,
                answer=StockPositionView,
                shape=Shape.SLICE,
                summary="List one's shares of stocks, what they are worth and what is owed",
                tag="economy",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/economy/transactions",
                handler=self.list_transactions,
                access=Access.USER,
                scope=Scope.READ,
                query=StockTransactionsQuery,
                answer=StockTransactionView,
                shape=Shape.SLICE,
                summary="List what happened to one's shares of stocks, newest first",
                tag="economy",
                of_account=True,
            ),
        )
