"""The rows of the route table under /watchlists: markets of any platform one keeps an eye on.

Laws: a list is its owner's alone, somebody else's is a 404 like one that never was; a market is on
a list once; what a market is called and worth is asked when the list is read, and a market that is
no longer known stays on it with nulls.
"""

from collections.abc import Sequence

from exchange.messages.bounds import PRICE_SCALE
from gateway.access.api_keys.standing import Scope
from gateway.feeds.known import (
    KnownMarket,
    MarketCatalogue,
    MarketRef,
    named_market,
    no_such_market,
)
from gateway.feeds.model import ListedStatus
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.portfolio.naming import MarketIdText, NameText, PlatformText, name_of
from gateway.portfolio.settings import PortfolioSettings
from gateway.wire.errors import Conflict, Detail, ExternalApiFailed, LimitReached, NotFound
from gateway.wire.scalars import iso_millis, price_text
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.clock import now_us
from persistence.errors import AlreadyThere, BoundReached
from persistence.repositories.watchlists import WatchedMarket, Watchlist, Watchlists


class WatchlistBody(BodyStruct, frozen=True):
    """What a list is called; two may have the same name."""

    name: NameText


class WatchlistItemBody(BodyStruct, frozen=True):
    """A market to watch; if `marketId` and `platform` both say a platform, they must agree."""

    market_id: MarketIdText
    platform: PlatformText | None = None


class WatchlistView(AnswerStruct, frozen=True):
    """A list without its markets."""

    id: str
    name: str
    item_count: int
    created_at: str
    updated_at: str


class WatchedMarketView(AnswerStruct, frozen=True):
    """A market on a list as it is now; prices are null where none is known, or it is resolved.

    All but the names is null for a market that its platform doesn't list any more. `marketId` names
    it in every other route.
    """

    id: str
    market_id: str
    platform: str
    external_id: str
    slug: str | None
    question: str | None
    category: str | None
    status: ListedStatus | None
    close_time: str | None
    yes_price: str | None
    no_price: str | None
    as_of: str | None
    """When it was known to be so; null for now, or never."""
    stale: bool
    """Whether it was known so long ago that it may have changed."""
    added_at: str


class WholeWatchlistView(WatchlistView, frozen=True):
    """A list with its markets, in the order they were added."""

    items: list[WatchedMarketView]


def _watchlist_view(found: Watchlist) -> WatchlistView:
    return WatchlistView(
        str(found.id),
        found.name,
        found.items,
        iso_millis(found.created_at),
        iso_millis(found.updated_at),
    )


def _item_view(item: WatchedMarket, market: KnownMarket | None) -> WatchedMarketView:
    ref = MarketRef(item.platform, item.external_id)
    yes = close_time = as_of = None
    if market is not None:
        yes, close_time, as_of = market.yes_price, market.close_time, market.as_of
    return WatchedMarketView(
        str(item.id),
        ref.id,
        item.platform,
        item.external_id,
        None if market is None else market.slug,
        None if market is None else market.question,
        None if market is None else market.category,
        None if market is None else market.status,
        None if close_time is None else iso_millis(close_time),
        None if yes is None else price_text(yes),
        None if yes is None else price_text(PRICE_SCALE - yes),
        None if as_of is None else iso_millis(as_of),
        market is not None and market.is_stale(now_us()),
        iso_millis(item.added_at),
    )


class WatchlistRoutes:
    """Keeps people's watchlists."""

    def __init__(
        self,
        rows: Watchlists,
        markets: MarketCatalogue,
        settings: PortfolioSettings,
        pages: PageLimits,
    ) -> None:
        self._rows = rows
        self._markets = markets
        self._settings = settings
        self._pages = pages

    async def list_watchlists(self, request: Request[None, PageQuery]) -> Page[WatchlistView]:
        """Return one page of the caller's lists, oldest first."""
        query = request.query
        (limit, offset), after = query.bounds(self._pages), query.number() or 0
        found, total = await self._rows.page(request.user_id, limit + 1, offset, after)
        return page_of(found, limit, offset, total, _watchlist_view, lambda one: str(one.id))

    async def create_watchlist(self, request: Request[WatchlistBody, None]) -> WatchlistView:
        """Begin an empty list."""
        most = self._settings.watchlists_max
        name = name_of(request.body.name)
        try:
            return _watchlist_view(await self._rows.create(request.user_id, name, now_us(), most))
        except BoundReached:
            raise LimitReached.of("watchlists", most) from None

    async def get_watchlist(self, request: Request[None, None]) -> WholeWatchlistView:
        """Return a list with its markets."""
        number = request.path_id("id")
        found = await self._rows.get(request.user_id, number)
        if found is None:
            raise NotFound
        items = await self._rows.items(request.user_id, number)
        return await self._whole(found, items)

    async def rename_watchlist(self, request: Request[WatchlistBody, None]) -> WatchlistView:
        """Give a list another name."""
        number, name = request.path_id("id"), name_of(request.body.name)
        found = await self._rows.rename(request.user_id, number, name, now_us())
        if found is None:
            raise NotFound
        return _watchlist_view(found)

    async def delete_watchlist(self, request: Request[None, None]) -> None:
        """Delete a list with what is on it."""
        if not await self._rows.delete(request.user_id, request.path_id("id")):
            raise NotFound

    async def add_item(self, request: Request[WatchlistItemBody, None]) -> WatchedMarketView:
        """Put a market on a list."""
        body, number = request.body, request.path_id("id")
        _, market = await named_market(self._markets, body.market_id, body.platform)
        if await self._rows.get(request.user_id, number) is None:
            raise NotFound
        if market is None:
            raise no_such_market()
        most = self._settings.watchlist_items_max
        try:
            item = await self._rows.add(request.user_id, number, *market.ref, now_us(), most)
        except AlreadyThere:
            message = "is on this watchlist already"
            raise Conflict(f"marketId: {message}", details=(Detail("marketId", message),)) from None
        except BoundReached:
            raise LimitReached.of("items", most) from None
        if item is None:
            raise NotFound
        return _item_view(item, market)

    async def remove_item(self, request: Request[None, None]) -> None:
        """Take a market off a list."""
        number, item = request.path_id("id"), request.path_id("itemId")
        if not await self._rows.remove(request.user_id, number, item, now_us()):
            raise NotFound

    async def _whole(self, found: Watchlist, items: Sequence[WatchedMarket]) -> WholeWatchlistView:
        refs = [MarketRef(item.platform, item.external_id) for item in items]
        known = await self._markets.known_many(refs)
        return WholeWatchlistView(
            str(found.id),
            found.name,
            len(items),
            iso_millis(found.created_at),
            iso_millis(found.updated_at),
            [_item_view(item, known.get(ref)) for item, ref in zip(items, refs, strict=True)],
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/watchlists",
                handler=self.list_watchlists,
                access=Access.USER,
                scope=Scope.READ,
                query=PageQuery,
                answer=WatchlistView,
                shape=Shape.PAGE,
                summary="List one's watchlists",
                tag="watchlists",
            ),
            Route(
                method="POST",
                path="/watchlists",
                handler=self.create_watchlist,
                access=Access.USER,
                scope=Scope.OWNER,
                body=WatchlistBody,
                answer=WatchlistView,
                status=201,
                errors=(LimitReached,),
                summary="Begin a watchlist",
                tag="watchlists",
            ),
            *self._list_routes(),
            *self._item_routes(),
        )

    def _list_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/watchlists/{id}",
                handler=self.get_watchlist,
                access=Access.USER,
                scope=Scope.READ,
                answer=WholeWatchlistView,
                errors=(NotFound,),
                summary="Show a watchlist with its markets as they are now",
                tag="watchlists",
            ),
            Route(
                method="PATCH",
                path="/watchlists/{id}",
                handler=self.rename_watchlist,
                access=Access.USER,
                scope=Scope.OWNER,
                body=WatchlistBody,
                answer=WatchlistView,
                errors=(NotFound,),
                summary="Give a watchlist another name",
                tag="watchlists",
            ),
            Route(
                method="DELETE",
                path="/watchlists/{id}",
                handler=self.delete_watchlist,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="Delete a watchlist",
                tag="watchlists",
            ),
        )

    def _item_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="POST",
                path="/watchlists/{id}/items",
                handler=self.add_item,
                access=Access.USER,
                scope=Scope.OWNER,
                body=WatchlistItemBody,
                answer=WatchedMarketView,
                status=201,
                errors=(NotFound, Conflict, LimitReached, ExternalApiFailed),
                summary="Put a market of any platform on a watchlist",
                tag="watchlists",
            ),
            Route(
                method="DELETE",
                path="/watchlists/{id}/items/{itemId}",
                handler=self.remove_item,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="Take a market off a watchlist",
                tag="watchlists",
            ),
        )
