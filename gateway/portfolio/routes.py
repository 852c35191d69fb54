"""The rows of the route table under /user: the caller's money and shares.

Balance, positions, portfolio and escrow come from the committed view; the ledger, fills and
settlements from the store, up to the command that the view has come to. Each answer says how far it
reaches (`AsOf`).
"""

from itertools import islice
from typing import Annotated, Final

import msgspec

from exchange.messages.terms import YES
from exchange.model.accounts import Account, Holding
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.engine_side.ports import History
from gateway.http.paging import PageQuery, SliceQuery, page_of, slice_of
from gateway.http.request import AnyRequest, AsOf, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import MarketText, asked_market
from gateway.portfolio.views import (
    EscrowView,
    LedgerView,
    PortfolioView,
    SettlementView,
    ValuedPositionView,
    account_balance,
    entry_id,
    escrow_view,
    fill_view,
    held,
    ledger_view,
    portfolio_view,
    settlement_view,
    valued_position_view,
)
from gateway.trading.routes import own_order
from gateway.trading.views import BalanceView, OwnFillView, ReadMark, read_mark
from gateway.wire.errors import Forbidden, NotFound
from gateway.wire.scalars import NAME_LENGTH, parse_id
from persistence.repositories.history import EntryPlace, PastEntry, PastSettlement

OrderText = Annotated[str, msgspec.Meta(max_length=NAME_LENGTH, description="an order's id")]
FILLS_COST: Final = 5
"""Thousands of ledger entries may be looked through for one page."""
_PLACES: Final = {YES: 1}
"""Of an outcome among a market's holdings; the other one is 2."""


class PositionsQuery(PageQuery, frozen=True):
    """Which positions; unset: of all markets."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


class SettlementsQuery(SliceQuery, frozen=True):
    """Which settlements; unset: of all markets."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


class FillsQuery(SettlementsQuery, frozen=True):
    """Which fills; unset: of all markets and orders."""

    order_id: OrderText | None = None


def _place(holding: Holding) -> tuple[int, int]:
    """Return where a holding lies in the list: by market, YES first."""
    return holding.market_id, _PLACES.get(holding.outcome, 2)


class PortfolioRoutes:
    """Shows the caller what is the caller's."""

    def __init__(self, view: State, history: History, pages: PageLimits) -> None:
        self._view = view
        self._history = history
        self._pages = pages

    async def get_balance(self, request: Request[None, None]) -> AsOf[BalanceView]:
        """Return the caller's cash."""
        return self._mark(request).on(account_balance(self._account(request)))

    async def list_positions(
        self, request: Request[None, PositionsQuery]
    ) -> AsOf[Page[ValuedPositionView]]:
        """Return one page of the shares the caller holds, by market, YES first."""
        query = request.query
        limit, offset = query.bounds(self._pages)
        after = query.pair()
        found = self._holdings(self._account(request), asked_market(self._view, query))
        part = (pair for pair in found if after is None or _place(pair[0]) > after)
        page = page_of(
            list(islice(part, offset, offset + limit + 1)),
            limit,
            offset,
            len(found),
            lambda pair: valued_position_view(*pair),
            lambda pair: "{}-{}".format(*_place(pair[0])),
        )
        return self._mark(request).on(page)

    def _holdings(
        self, account: Account | None, market: Market | None
    ) -> list[tuple[Holding, Market]]:
        if account is None:
            return []
        market_ids = sorted(account.positions) if market is None else [market.id]
        markets = [self._view.markets[market_id] for market_id in market_ids]
        return [(holding, one) for one in markets for holding in held(account, one)]

    async def get_portfolio(self, request: Request[None, None]) -> AsOf[PortfolioView]:
        """Return the sums over all the caller has."""
        return self._mark(request).on(portfolio_view(self._account(request), self._view))

    async def list_escrow(self, request: Request[None, PageQuery]) -> AsOf[Page[EscrowView]]:
        """Return one page of the caller's reservations, oldest order first."""
        markets = self._view.markets
        limit, offset = request.query.bounds(self._pages)
        after = request.query.number() or 0
        account = self._account(request)
        orders = {} if account is None else account.orders
        part = (order for order in orders.values() if order.id > after)

        def shown(order: Order) -> EscrowView:
            return escrow_view(order, markets[order.market_id])

        page = page_of(
            list(islice(part, offset, offset + limit + 1)),
            limit,
            offset,
            len(orders),
            shown,
            lambda order: str(order.id),
        )
        return self._mark(request).on(page)

    async def list_ledger(self, request: Request[None, SliceQuery]) -> AsOf[Slice[LedgerView]]:
        """Return a slice of the caller's ledger, newest first."""
        query, mark = request.query, self._mark(request)
        limit, before = query.size(self._pages), _within(mark, query.pair())
        found = await self._history.ledger(request.user_id, before, limit + 1)

        def shown(entry: PastEntry) -> LedgerView:
            return ledger_view(entry, self._view)

        return mark.on(slice_of(found, limit, shown, entry_id))

    async def list_fills(self, request: Request[None, FillsQuery]) -> AsOf[Slice[OwnFillView]]:
        """Return a slice of the trades of the caller's orders, newest first."""
        query, mark = request.query, self._mark(request)
        limit, before = query.size(self._pages), _within(mark, query.pair())
        market = asked_market(self._view, query)
        order = None
        if query.order_id is not None:
            order_id = parse_id(query.order_id)
            order = await own_order(self._view, self._history, request.user_id, order_id)
        found, further = await self._history.fills(
            request.user_id, None if market is None else market.id, order, before, limit
        )
        views = [fill_view(fill, self._view) for fill in found]
        return mark.on(Slice(views, None if further is None else "{}-{}".format(*further)))

    async def list_settlements(
        self, request: Request[None, SettlementsQuery]
    ) -> AsOf[Slice[SettlementView]]:
        """Return a slice of what became of the caller's positions, newest first."""
        query, mark = request.query, self._mark(request)
        newest = mark.seq + 1
        limit, before = query.size(self._pages), min(query.number() or newest, newest)
        market, account = asked_market(self._view, query), self._account(request)
        if account is None:
            return mark.on(Slice([], None))
        found = await self._history.settlements(
            account.id, None if market is None else market.id, before, limit + 1
        )

        def shown(past: PastSettlement) -> SettlementView:
            return settlement_view(past, account, self._view)

        return mark.on(slice_of(found, limit, shown, lambda past: str(past.seq)))

    def _mark(self, request: AnyRequest) -> ReadMark:
        return read_mark(self._view, request.user_id)

    def _account(self, request: AnyRequest) -> Account | None:
        return self._view.accounts.get(request.user_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (*self._money_routes(), *self._share_routes())

    def _money_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/user/balance",
                handler=self.get_balance,
                access=Access.USER,
                scope=Scope.READ,
                answer=BalanceView,
                summary="Show one's credits",
                tag="user",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/user/portfolio",
                handler=self.get_portfolio,
                access=Access.USER,
                scope=Scope.READ,
                answer=PortfolioView,
                summary="Sum up all one has",
                tag="user",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/user/escrow",
                handler=self.list_escrow,
                access=Access.USER,
                scope=Scope.READ,
                query=PageQuery,
                answer=EscrowView,
                shape=Shape.PAGE,
                summary="List what is locked, order by order",
                tag="user",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/user/ledger",
                handler=self.list_ledger,
                access=Access.USER,
                scope=Scope.READ,
                query=SliceQuery,
                answer=LedgerView,
                shape=Shape.SLICE,
                summary="List the entries of one's ledger, newest first",
                tag="user",
                of_account=True,
            ),
        )

    def _share_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/user/positions",
                handler=self.list_positions,
                access=Access.USER,
                scope=Scope.READ,
                query=PositionsQuery,
                answer=ValuedPositionView,
                shape=Shape.PAGE,
                errors=(NotFound,),
                summary="List the shares one holds",
                tag="user",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/user/fills",
                handler=self.list_fills,
                access=Access.USER,
                scope=Scope.READ,
                query=FillsQuery,
                answer=OwnFillView,
                shape=Shape.SLICE,
                errors=(Forbidden, NotFound),
                cost=FILLS_COST,
                summary="List the trades of one's orders, newest first",
                tag="user",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/user/settlements",
                handler=self.list_settlements,
                access=Access.USER,
                scope=Scope.READ,
                query=SettlementsQuery,
                answer=SettlementView,
                shape=Shape.SLICE,
                errors=(NotFound,),
                summary="List what became of one's shares when markets were resolved",
                tag="user",
                of_account=True,
            ),
        )


def _within(mark: ReadMark, asked: EntryPlace | None) -> EntryPlace:
    """Return the place to read below: the asked one, but nothing that the view hasn't come to."""
    newest = mark.seq + 1, 0
    return newest if asked is None else min(asked, newest)
