"""The rows of the route table under /user: the caller's money and shares.

Balance, positions, portfolio and escrow come from the committed view, the ledger from the store.
"""

from itertools import islice
from typing import Final

from exchange.model.accounts import Account
from gateway.http.paging import PageQuery, SliceQuery, slice_of
from gateway.http.request import AnyRequest, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
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
from gateway.trading.order_bodies import named_market
from gateway.trading.routes import MarketText
from gateway.trading.views import BalanceView
from gateway.wire.errors import NotFound
from persistence.repositories.history import PastEntry


class PositionsQuery(PageQuery, frozen=True):
    """Which positions; unset: of all markets."""

    market: MarketText | None = None


async def get_balance(request: Request[None, None]) -> BalanceView:
    """Return the caller's cash."""
    return account_balance(_account(request))


async def list_positions(request: Request[None, PositionsQuery]) -> Page[ValuedPositionView]:
    """Return one page of the shares the caller holds, by market, YES first."""
    view, query = request.services.view, request.query
    limit, offset = query.bounds(request.services.settings)
    account = _account(request)
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


async def get_portfolio(request: Request[None, None]) -> PortfolioView:
    """Return the sums over all the caller has."""
    return portfolio_view(_account(request), request.services.view)


async def list_escrow(request: Request[None, PageQuery]) -> Page[EscrowView]:
    """Return one page of the caller's reservations, oldest order first."""
    view = request.services.view
    limit, offset = request.query.bounds(request.services.settings)
    account = _account(request)
    if account is None:
        return Page([], 0, limit, offset)
    items = [
        escrow_view(order, view.markets[order.market_id])
        for order in islice(account.orders.values(), offset, offset + limit)
    ]
    return Page(items, len(account.orders), limit, offset)


async def list_ledger(request: Request[None, SliceQuery]) -> Slice[LedgerView]:
    """Return a slice of the caller's ledger, newest first."""
    services, query = request.services, request.query
    limit, before = query.size(services.settings), query.pair()
    found = await services.history.ledger(request.user_id, before, limit + 1)

    def shown(entry: PastEntry) -> LedgerView:
        return ledger_view(entry, services.view)

    return slice_of(found, limit, shown, entry_id)


def _account(request: AnyRequest) -> Account | None:
    return request.services.view.accounts.get(request.user_id)


ROUTES: Final = (
    Route(
        method="GET",
        path="/user/balance",
        handler=get_balance,
        access=Access.USER,
        answer=BalanceView,
        summary="Show one's credits",
        tag="user",
    ),
    Route(
        method="GET",
        path="/user/positions",
        handler=list_positions,
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
        handler=get_portfolio,
        access=Access.USER,
        answer=PortfolioView,
        summary="Sum up all one has",
        tag="user",
    ),
    Route(
        method="GET",
        path="/user/escrow",
        handler=list_escrow,
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
        handler=list_ledger,
        access=Access.USER,
        query=SliceQuery,
        answer=LedgerView,
        shape=Shape.SLICE,
        summary="List the entries of one's ledger, newest first",
        tag="user",
    ),
)
