"""The rows of the route table that show markets, their books and their tapes.  All are public.

Markets and books are read from the committed view, so they show what the last answered command
left; trades come from the store. A market is named by its slug or its id.
"""

from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CATEGORY_LENGTH
from exchange.messages.terms import YES, MarketStatus, Outcome
from exchange.model.market import Market
from exchange.model.state import State
from gateway.http.paging import PageQuery, SliceQuery, slice_of
from gateway.http.request import AnyRequest, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.markets.views import BookView, MarketView, book_view, market_view
from gateway.trading.order_bodies import find_market
from gateway.trading.views import TradeView, trade_view
from gateway.wire.errors import NotFound, ValidationFailed
from gateway.wire.strict_json import QueryStruct
from persistence.repositories.history import PastTrade

SEARCH_LENGTH: Final = 100
DEPTH: Final = 20
"""Levels a side of a book when not asked for."""

CategoryText = Annotated[str, msgspec.Meta(max_length=CATEGORY_LENGTH)]
SearchText = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=SEARCH_LENGTH, description="part of the question or the slug"
    ),
]
DepthText = Annotated[int, msgspec.Meta(ge=1, le=10_000, description="levels a side")]
AfterSeqText = Annotated[
    int, msgspec.Meta(ge=0, description="only trades of later market seqs, oldest first")
]


class MarketsQuery(PageQuery, frozen=True):
    """Which markets."""

    status: MarketStatus | None = None
    category: CategoryText | None = None
    search: SearchText | None = None


class BookQuery(QueryStruct, frozen=True):
    """Which outcome's book, and how much of it."""

    outcome: Outcome = YES
    depth: DepthText | None = None


class TradesQuery(SliceQuery, frozen=True):
    """Which part of the tape; newest first, but with `afterSeq` oldest first."""

    after_seq: AfterSeqText | None = None


def market_shown(request: AnyRequest) -> Market:
    """Return the market that the path names; raises NotFound."""
    market = find_market(request.services.view, request.path["slug"])
    if market is None:
        raise NotFound("There is no such market")
    return market


async def list_markets(request: Request[None, MarketsQuery]) -> Page[MarketView]:
    """Return one page of the markets, newest first."""
    limit, offset = request.query.bounds(request.services.settings)
    found = matching(request.services.view, request.query)
    items = [market_view(market) for market in found[offset : offset + limit]]
    return Page(items, len(found), limit, offset)


def matching(view: State, query: MarketsQuery) -> list[Market]:
    """Return the markets that a query asks for, newest first.  O(markets)."""
    found = list(reversed(view.markets.values()))
    if query.status is not None:
        found = [market for market in found if market.status is query.status]
    if query.category is not None:
        category = query.category.casefold()
        found = [market for market in found if market.category.casefold() == category]
    if query.search is not None:
        text = query.search.casefold()
        found = [m for m in found if text in m.question.casefold() or text in m.slug]
    return found


async def get_market(request: Request[None, None]) -> MarketView:
    """Return one market."""
    return market_view(market_shown(request))


async def get_book(request: Request[None, BookQuery]) -> BookView:
    """Return a snapshot of one outcome's book."""
    services, query = request.services, request.query
    most = services.settings.page_size_max
    depth = min(DEPTH, most) if query.depth is None else query.depth
    if depth > most:
        raise ValidationFailed.of("depth", f"must be at most {most}")
    return book_view(market_shown(request), query.outcome, depth, services.feed.epoch)


async def list_trades(request: Request[None, TradesQuery]) -> Slice[TradeView]:
    """Return a slice of the public tape."""
    services, query = request.services, request.query
    limit, place = query.size(services.settings), query.number()
    market = market_shown(request)
    if query.after_seq is None:
        found = await services.history.trades(market.id, place, limit + 1)
    else:
        found = await services.history.trades_after(market.id, query.after_seq, place, limit + 1)

    def shown(past: PastTrade) -> TradeView:
        return trade_view(past, market, past.at)

    return slice_of(found, limit, shown, lambda past: str(past.trade_no))


def book_route(path: str) -> Route:
    """Return the row of a book at `path`, which names the market as {slug}."""
    return Route(
        method="GET",
        path=path,
        handler=get_book,
        access=Access.PUBLIC,
        query=BookQuery,
        answer=BookView,
        errors=(NotFound,),
        summary="Show one outcome's order book",
        tag="market data",
    )


def trades_route(path: str) -> Route:
    """Return the row of a tape at `path`, which names the market as {slug}."""
    return Route(
        method="GET",
        path=path,
        handler=list_trades,
        access=Access.PUBLIC,
        query=TradesQuery,
        answer=TradeView,
        shape=Shape.SLICE,
        errors=(NotFound,),
        summary="List a market's trades, newest first (after a seq: oldest first)",
        tag="market data",
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/markets",
        handler=list_markets,
        access=Access.PUBLIC,
        query=MarketsQuery,
        answer=MarketView,
        shape=Shape.PAGE,
        summary="List the markets, newest first",
        tag="markets",
    ),
    Route(
        method="GET",
        path="/markets/{slug}",
        handler=get_market,
        access=Access.PUBLIC,
        answer=MarketView,
        errors=(NotFound,),
        summary="Show a market, by its slug or id",
        tag="markets",
    ),
    book_route("/markets/{slug}/orderbook"),
    trades_route("/markets/{slug}/trades"),
)
