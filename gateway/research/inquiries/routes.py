"""The rows of the route table under /research: what one has asked, and what came of it.

Laws: a question is its owner's alone, somebody else's is a 404 like one that never was. What costs
cents takes a person who has signed in, never an API key; reading takes a key that reads.
"""

from collections.abc import Mapping, Sequence

from exchange.messages.bounds import STORED_MAX
from gateway.access.api_keys.standing import Scope
from gateway.feeds.known import (
    KnownMarket,
    MarketCatalogue,
    MarketRef,
    market_ref,
    named_market,
    no_such_market,
)
from gateway.http.paging import slice_of
from gateway.http.request import Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import market_name
from gateway.research.inquiries.asking import Asking
from gateway.research.inquiries.bodies import ResearchBody, ResearchQuery, SearchBody, worded
from gateway.research.inquiries.settings import SEARCH, ResearchSettings
from gateway.research.inquiries.views import (
    ResearchBudgetView,
    ResearchView,
    SearchView,
    WholeResearchView,
    budget_view,
    research_view,
    search_view,
    whole_view,
)
from gateway.trading.order_bodies import check_client_id
from gateway.wire.errors import Conflict, ExternalApiFailed, LimitReached, NotFound
from persistence.clock import now_us
from persistence.repositories.research.inquiries import Inquiries, InquiryLine


class ResearchRoutes:
    """Takes questions and shows them."""

    def __init__(
        self,
        asking: Asking,
        rows: Inquiries,
        markets: MarketCatalogue,
        settings: ResearchSettings,
        pages: PageLimits,
    ) -> None:
        self._asking = asking
        self._rows = rows
        self._markets = markets
        self._settings = settings
        self._pages = pages

    async def ask(self, request: Request[ResearchBody, None]) -> WholeResearchView:
        """Have a question researched; one whose answer is known is answered at once."""
        body, market = request.body, None
        query = worded(body.query)
        if body.request_id is not None:
            check_client_id(body.request_id, "requestId")
        name = market_name(body)
        if name is not None:
            field = "market" if body.market is not None else "slug" if body.slug else "marketId"
            _, market = await named_market(self._markets, name, None, field)
            if market is None:
                raise no_such_market(field)
        found = await self._asking.ask(
            request.user_id, query, market, body.processor, body.output_format, body.request_id
        )
        return whole_view(found, market)

    async def list_research(self, request: Request[None, ResearchQuery]) -> Slice[ResearchView]:
        """Return what the caller has asked, newest first."""
        query = request.query
        limit, before = query.size(self._pages), query.number()
        ref = None
        if query.market_id is not None:
            ref = market_ref(self._markets.platforms, query.market_id, None, "marketId")
        found = await self._rows.page(
            request.user_id,
            STORED_MAX if before is None else before,
            limit + 1,
            query.status,
            ref,
        )
        known = await self._known(found)
        return slice_of(
            found,
            limit,
            lambda one: research_view(one, _market(one, known)),
            lambda one: str(one.id),
        )

    async def get_research(self, request: Request[None, None]) -> WholeResearchView:
        """Return a question with its answer."""
        found = await self._rows.get(request.user_id, request.path_id("id"))
        if found is None:
            raise NotFound
        return whole_view(found, _market(found, await self._known([found])))

    async def delete_research(self, request: Request[None, None]) -> None:
        """Delete a question; one that runs goes on unseen, and is paid."""
        if not await self._rows.delete(request.user_id, request.path_id("id"), now_us()):
            raise NotFound

    async def search(self, request: Request[SearchBody, None]) -> SearchView:
        """Return pages about something, at once."""
        query = worded(request.body.query)
        found = await self._asking.search(request.user_id, query, request.body.num_results)
        return search_view(found, self._settings.costs[SEARCH])

    async def get_budget(self, request: Request[None, None]) -> ResearchBudgetView:
        """Return what the caller may spend this month, and what each kind costs."""
        month, standing = await self._asking.budget(request.user_id)
        return budget_view(self._settings, month, standing, is_on=self._asking.is_on)

    async def _known(self, lines: Sequence[InquiryLine]) -> Mapping[MarketRef, KnownMarket]:
        refs = {ref for ref in map(_ref, lines) if ref is not None}
        return await self._markets.known_many(refs) if refs else {}

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/research",
                handler=self.ask,
                access=Access.USER,
                scope=Scope.OWNER,
                body=ResearchBody,
                answer=WholeResearchView,
                status=201,
                errors=(NotFound, Conflict, LimitReached),
                summary="Have a question researched on the web",
                tag="research",
            ),
            Route(
                method="GET",
                path="/research",
                handler=self.list_research,
                access=Access.USER,
                scope=Scope.READ,
                query=ResearchQuery,
                answer=ResearchView,
                shape=Shape.SLICE,
                summary="List what one has asked, newest first",
                tag="research",
            ),
            Route(
                method="GET",
                path="/research/budget",
                handler=self.get_budget,
                access=Access.USER,
                scope=Scope.READ,
                answer=ResearchBudgetView,
                summary="Show what one may spend on research this month",
                tag="research",
            ),
            Route(
                method="POST",
                path="/research/search",
                handler=self.search,
                access=Access.USER,
                scope=Scope.OWNER,
                body=SearchBody,
                answer=SearchView,
                errors=(LimitReached, ExternalApiFailed),
                summary="Search the web at once",
                tag="research",
            ),
            *self._one_routes(),
        )

    def _one_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/research/{id}",
                handler=self.get_research,
                access=Access.USER,
                scope=Scope.READ,
                answer=WholeResearchView,
                errors=(NotFound,),
                summary="Show a question with its answer and sources",
                tag="research",
            ),
            Route(
                method="DELETE",
                path="/research/{id}",
                handler=self.delete_research,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="Delete a question",
                tag="research",
            ),
        )


def _ref(line: InquiryLine) -> MarketRef | None:
    if line.platform is None or line.external_id is None:
        return None
    return MarketRef(line.platform, line.external_id)


def _market(line: InquiryLine, known: Mapping[MarketRef, KnownMarket]) -> KnownMarket | None:
    ref = _ref(line)
    return None if ref is None else known.get(ref)
