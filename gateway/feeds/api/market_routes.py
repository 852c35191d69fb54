"""The rows of the route table that list and show markets of all platforms.  All are public.

Without `platform` a list is of our own markets, exactly as it was before there were others; a name
in a path is ours first, then the one venue's that has it.
"""

from typing import Any

from exchange.model.state import State
from gateway.feeds.api.lists import Asked, MarketLists
from gateway.feeds.api.own import our_statuses
from gateway.feeds.api.queries import (
    CategoryQuery,
    ListingQuery,
    PlatformQuery,
    SearchQuery,
    place_of,
    platforms_of,
    statuses_of,
    words_asked,
)
from gateway.feeds.api.reading import FeedReader
from gateway.feeds.api.views import (
    CategoryView,
    ListedMarketView,
    own_market,
    row_view,
    with_mirror,
)
from gateway.feeds.known import OURS
from gateway.feeds.mirrored import Mirrored
from gateway.feeds.model import ListedStatus
from gateway.http.paging import PageQuery
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import find_market
from gateway.markets.routes import MarketRoutes
from gateway.markets.volumes import MarketVolumes
from gateway.wire.errors import ExternalApiFailed, NotFound
from persistence.clock import now_us


class FeedMarketRoutes:
    """Lists and shows markets of all platforms."""

    def __init__(
        self,
        view: State,
        ours: MarketRoutes,
        lists: MarketLists,
        reader: FeedReader,
        volumes: MarketVolumes,
        mirrored: Mirrored,
        pages: PageLimits,
    ) -> None:
        self._view = view
        self._ours = ours
        self._lists = lists
        self._reader = reader
        self._volumes = volumes
        self._mirrored = mirrored
        self._pages = pages

    async def list_markets(self, request: Request[None, ListingQuery]) -> Page[Any]:
        """Return one page of the markets."""
        query = request.query
        statuses = statuses_of(query.status)
        if query.search is not None:
            words_asked(query.search, "search")
        if query.platform is None and query.sort is None and query.order is None:
            return self._ours.page(query, our_statuses(statuses), drafts=request.is_admin)
        # An order alone is of ours.
        own, platforms = platforms_of(
            OURS if query.platform is None else query.platform, self._reader.venues
        )
        return await self._page(query, own, platforms, statuses, query.category, query.search)

    async def list_category(self, request: Request[None, CategoryQuery]) -> Page[ListedMarketView]:
        """Return one page of a category's markets."""
        query = request.query
        own, platforms = platforms_of(query.platform, self._reader.venues)
        statuses = statuses_of(query.status)
        return await self._page(query, own, platforms, statuses, request.path["category"], None)

    async def _page(
        self,
        query: ListingQuery | CategoryQuery,
        own: bool,
        platforms: tuple[str, ...],
        statuses: frozenset[ListedStatus] | None,
        category: str | None,
        search: str | None,
    ) -> Page[ListedMarketView]:
        limit, offset = PageQuery.bounds(query, self._pages)
        after = place_of(query.cursor)
        asked = Asked.of(query, own, platforms, statuses, category, search, after)
        return await self._lists.page(asked, limit, offset)

    async def search(self, request: Request[None, SearchQuery]) -> Page[ListedMarketView]:
        """Return one page of the markets that hold all the words, the best first."""
        query = request.query
        words = words_asked(query.q)
        own, platforms = platforms_of(query.platform, self._reader.venues)
        limit, offset = query.bounds(self._pages)
        offset = query.number() or offset
        asked = Asked(own=own, platforms=platforms, statuses=statuses_of(query.status))
        return await self._lists.search(words, asked, limit, offset)

    async def list_categories(self, request: Request[None, PlatformQuery]) -> Page[CategoryView]:
        """Return the categories, the largest first."""
        own, platforms = platforms_of(request.query.platform, self._reader.venues)
        found = await self._lists.categories(own, platforms)
        return Page(found, len(found), len(found), 0)

    async def get_random(self, request: Request[None, PlatformQuery]) -> ListedMarketView:
        """Return any open market."""
        own, platforms = platforms_of(request.query.platform, self._reader.venues)
        found = await self._lists.random(own, platforms)
        if found is None:
            raise NotFound("There is no open market")
        return found

    async def get_market(self, request: Request[None, None]) -> ListedMarketView:
        """Return one market, as it was seen last."""
        market = find_market(self._view, request.path["slug"], drafts=request.is_admin)
        if market is not None:
            return own_market(market, self._volumes.of(market), now_us(), self._mirrored)
        known = await self._reader.named(request.path["slug"])
        return with_mirror(row_view(known.row, now_us()), self._mirrored, self._view)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/markets",
                handler=self.list_markets,
                access=Access.PUBLIC,
                query=ListingQuery,
                answer=ListedMarketView,
                shape=Shape.PAGE,
                summary="List our markets, newest first; with `platform` those of others, too",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/markets/search",
                handler=self.search,
                access=Access.PUBLIC,
                query=SearchQuery,
                answer=ListedMarketView,
                shape=Shape.PAGE,
                summary="Find markets of all platforms by words of their questions",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/markets/categories",
                handler=self.list_categories,
                access=Access.PUBLIC,
                query=PlatformQuery,
                answer=CategoryView,
                shape=Shape.PAGE,
                summary="List the categories of all platforms, the largest first",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/markets/category/{category}",
                handler=self.list_category,
                access=Access.PUBLIC,
                query=CategoryQuery,
                answer=ListedMarketView,
                shape=Shape.PAGE,
                summary="List a category's markets, the most traded first",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/markets/random",
                handler=self.get_random,
                access=Access.PUBLIC,
                query=PlatformQuery,
                answer=ListedMarketView,
                errors=(NotFound,),
                summary="Show any open market",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/markets/{slug}",
                handler=self.get_market,
                access=Access.PUBLIC,
                answer=ListedMarketView,
                errors=(NotFound, ExternalApiFailed),
                summary="Show a market of any platform, by its slug or id",
                tag="markets",
            ),
        )
