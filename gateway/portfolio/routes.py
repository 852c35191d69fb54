"""The rows of the route table under /user: the caller's money and shares.

Balance, positions, portfolio and escrow come from the committed view, the ledger from the store.
"""

from itertools import islice

from exchange.model.accounts import Account
from exchange.model.state import State
from gateway.engine_side.ports import LedgerHistory
from gateway.http.paging import PageQuery, SliceQuery, slice_of
from gateway.http.request import AnyRequest, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import MarketText, named_market
from gateway.portfolio.views import (
    EscrowView,
    LedgerView,
    PortfolioView,
    ValuedPositionView,
    account_balance,
    entry_id,
    escrow_view,
    held,
    ledger_view,
    portfolio_view,
    valued_position_view,
)
from gateway.trading.views import BalanceView
from gateway.wire.errors import NotFound
from persistence.repositories.history import PastEntry


class PositionsQuery(PageQuery, frozen=True):
    """Which positions; unset: of all markets."""

    market: MarketText | None = None


class PortfolioRoutes:
    """Shows the caller what is the caller's."""

    def __init__(self, view: State, ledger: LedgerHistory, pages: PageLimits) -> None:
        self._view = view
        self._ledger = ledger
        self._pages = pages

    async def get_balance(self, request: Request[None, None]) -> BalanceView:
        """Return the caller's cash."""
        return account_balance(self._account(request))

    async def list_positions(
        self, request: Request[None, PositionsQuery]
    ) -> Page[ValuedPositionView]:
        """Return one page of the shares the caller holds, by market, YES first."""
        view, query = self._view, request.query
        limit, offset = query.bounds(self._pages)
        account = self._account(request)
        market_ids: list[int] = [] if account is None else sorted(account.positions)
        if query.market is not None:
            wanted = named_market(view, query.market).id
            market_ids = [market_id for market_id in market_ids if market_id == wanted]
        found = [
            (holding, view.markets[market_id])
            for market_id in market_ids
            if account is not None
            for holding in held(account, view.markets[market_id])
        ]
        items = [valued_position_view(*pair) for pair in found[offset : offset + limit]]
        return Page(items, len(found), limit, offset)

    async def get_portfolio(self, request: Request[None, None]) -> PortfolioView:
        """Return the sums over all the caller has."""
        return portfolio_view(self._account(request), self._view)

    async def list_escrow(self, request: Request[None, PageQuery]) -> Page[EscrowView]:
        """Return one page of the caller's reservations, oldest order first."""
        view = self._view
        limit, offset = request.query.bounds(self._pages)
        account = self._account(request)
        if account is None:
            return Page([], 0, limit, offset)
        items = [
            escrow_view(order, view.markets[order.market_id])
            for order in islice(account.orders.values(), offset, offset + limit)
        ]
        return Page(items, len(account.orders), limit, offset)

    async def list_ledger(self, request: Request[None, SliceQuery]) -> Slice[LedgerView]:
        """Return a slice of the caller's ledger, newest first."""
        query = request.query
        limit, before = query.size(self._pages), query.pair()
        found = await self._ledger.ledger(request.user_id, before, limit + 1)

        def shown(entry: PastEntry) -> LedgerView:
            return ledger_view(entry, self._view)

        return slice_of(found, limit, shown, entry_id)

    def _account(self, request: AnyRequest) -> Account | None:
        return self._view.accounts.get(request.user_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/user/balance",
                handler=self.get_balance,
                access=Access.USER,
                answer=BalanceView,
                summary="Show one's credits",
                tag="user",
            ),
            Route(
                method="GET",
                path="/user/positions",
                handler=self.list_positions,
                access=Access.USER,
                query=PositionsQuery,
                answer=ValuedPositionView,
                shape=Shape.PAGE,
                errors=(NotFound,),
                summary="List the shares one holds",
                tag="user",
            ),
            Route(
                method="GET",
                path="/user/portfolio",
                handler=self.get_portfolio,
                access=Access.USER,
                answer=PortfolioView,
                summary="Sum up all one has",
                tag="user",
            ),
            Route(
                method="GET",
                path="/user/escrow",
                handler=self.list_escrow,
                access=Access.USER,
                query=PageQuery,
                answer=EscrowView,
                shape=Shape.PAGE,
                summary="List what is locked, order by order",
                tag="user",
            ),
            Route(
                method="GET",
                path="/user/ledger",
                handler=self.list_ledger,
                access=Access.USER,
                query=SliceQuery,
                answer=LedgerView,
                shape=Shape.SLICE,
                summary="List the entries of one's ledger, newest first",
                tag="user",
            ),
        )
