"""The rows of the route table under /portfolios: what people note down of what they hold anywhere.

Laws: records, not money: nothing here moves a balance. A portfolio is its owner's alone, somebody
else's is a 404 like one that never was; one is the default while there is one at all. What one
holds on the exchange is the portfolio `exchange`, made of the committed view, first in the list and
read-only (403).
"""

from gateway.access.api_keys.standing import Scope
from gateway.feeds.known import OURS
from gateway.http.paging import PageQuery, SliceQuery, page_of, slice_of
from gateway.http.request import AnyRequest, AsOf, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.portfolio.naming import DescriptionText, NameText, description_of, name_of
from gateway.portfolio.records.holdings import Holdings
from gateway.portfolio.records.valuation import Held, together
from gateway.portfolio.records.views import (
    NotedPortfolioView,
    PastValueView,
    TotalsView,
    WholePortfolioView,
    past_value_view,
    portfolio_view,
    totals_view,
    whole_portfolio_view,
)
from gateway.portfolio.settings import PORTFOLIOS_EVER, PortfolioSettings
from gateway.wire.errors import (
    Conflict,
    Detail,
    Forbidden,
    LimitReached,
    NotFound,
    ValidationFailed,
)
from gateway.wire.strict_json import BODY_FIELD, BodyStruct
from persistence.clock import now_us
from persistence.errors import BoundReached, DefaultNeeded
from persistence.repositories.portfolio_values import PastValue, PortfolioValues
from persistence.repositories.portfolios import Portfolio, Portfolios

_AFTER_ALL_DAYS = 2**31 - 1
_READ_ONLY = "This portfolio is what you hold on the exchange: it changes by trading alone"


class PortfolioBody(BodyStruct, frozen=True):
    """A portfolio to begin; the first one is the default whatever is said."""

    name: NameText
    description: DescriptionText = ""
    is_default: bool = False


class PortfolioChange(BodyStruct, frozen=True):
    """What is to change, at least one of these; `isDefault` true takes it from the other."""

    name: NameText | None = None
    description: DescriptionText | None = None
    is_default: bool | None = None


def read_only() -> Forbidden:
    """Return the refusal to change our own portfolio."""
    return Forbidden(_READ_ONLY)


def is_ours(request: AnyRequest) -> bool:
    """Say whether the path names our own portfolio."""
    return request.path["id"] == OURS


class NotedPortfolioRoutes:
    """Keeps people's portfolios."""

    def __init__(
        self,
        rows: Portfolios,
        values: PortfolioValues,
        holdings: Holdings,
        settings: PortfolioSettings,
        pages: PageLimits,
    ) -> None:
        self._rows = rows
        self._values = values
        self._holdings = holdings
        self._settings = settings
        self._pages = pages

    async def list_portfolios(
        self, request: Request[None, PageQuery]
    ) -> AsOf[Page[NotedPortfolioView]]:
        """Return one page of the caller's portfolios, our own first, then oldest first."""
        query, mark = request.query, self._holdings.mark(request.user_id)
        limit, offset = query.bounds(self._pages)
        is_begun = query.cursor is not None or offset > 0
        after = 0 if query.cursor in {None, OURS} else query.number() or 0
        # Our own stands before all rows, so those of a later page lie one further on.
        found, total = await self._rows.page(request.user_id, limit + 1, max(0, offset - 1), after)
        part: list[Portfolio | None] = [*found] if is_begun else [None, *found]
        held = await self._held(request, part[:limit])
        known = await self._holdings.known(held.values())

        def shown(portfolio: Portfolio | None) -> NotedPortfolioView:
            return portfolio_view(portfolio, held[_number(portfolio)], known)

        return mark.on(page_of(part, limit, offset, total + 1, shown, _place))

    async def create_portfolio(self, request: Request[PortfolioBody, None]) -> NotedPortfolioView:
        """Begin an empty portfolio."""
        body, most = request.body, self._settings.portfolios_max
        name, description = name_of(body.name), description_of(body.description)
        try:
            made = await self._rows.create(
                request.user_id, name, description, now_us(), most, is_default=body.is_default
            )
        except BoundReached:
            raise LimitReached.of("portfolios", most) from None
        return portfolio_view(made, Held(), {})

    async def get_totals(self, request: Request[None, None]) -> AsOf[TotalsView]:
        """Return the sums over all portfolios of the caller, our own included."""
        mark = self._holdings.mark(request.user_id)
        found, _ = await self._rows.page(request.user_id, PORTFOLIOS_EVER, 0, 0)
        held = await self._held(request, [None, *found])
        known = await self._holdings.known(held.values())
        return mark.on(totals_view(len(held), together(held.values()), known))

    async def get_portfolio(self, request: Request[None, None]) -> AsOf[WholePortfolioView]:
        """Return a portfolio with its sums and its allocation."""
        mark = self._holdings.mark(request.user_id)
        portfolio = await self._asked(request)
        has = (await self._held(request, [portfolio]))[_number(portfolio)]
        known = await self._holdings.known([has])
        return mark.on(whole_portfolio_view(portfolio, has, known))

    async def change_portfolio(self, request: Request[PortfolioChange, None]) -> NotedPortfolioView:
        """Change a portfolio's name, description, or that it is the default."""
        if is_ours(request):
            raise read_only()
        body, number = request.body, request.path_id("id")
        if body == PortfolioChange():
            raise ValidationFailed.of(BODY_FIELD, "must change name, description or isDefault")
        name = None if body.name is None else name_of(body.name)
        description = None if body.description is None else description_of(body.description)
        try:
            found = await self._rows.change(
                request.user_id, number, name, description, body.is_default, now_us()
            )
        except DefaultNeeded:
            message = "one portfolio is always the default: make another one it instead"
            raise Conflict(
                f"isDefault: {message}", details=(Detail("isDefault", message),)
            ) from None
        if found is None:
            raise NotFound
        held = await self._held(request, [found])
        return portfolio_view(found, held[found.id], await self._holdings.known(held.values()))

    async def delete_portfolio(self, request: Request[None, None]) -> None:
        """Delete a portfolio with all it holds."""
        if is_ours(request):
            raise read_only()
        if not await self._rows.delete(request.user_id, request.path_id("id")):
            raise NotFound

    async def list_values(self, request: Request[None, SliceQuery]) -> Slice[PastValueView]:
        """Return what a portfolio was worth day by day, newest first."""
        query = request.query
        limit, before = query.size(self._pages), query.number() or _AFTER_ALL_DAYS
        portfolio = await self._asked(request)
        number = None if portfolio is None else portfolio.id
        found = await self._values.past(
            request.user_id, number, min(before, _AFTER_ALL_DAYS), limit + 1
        )
        return slice_of(found, limit, past_value_view, _day)

    async def _asked(self, request: AnyRequest) -> Portfolio | None:
        """Return the caller's portfolio that the path names, None for our own."""
        if is_ours(request):
            return None
        found = await self._rows.get(request.user_id, request.path_id("id"))
        if found is None:
            raise NotFound
        return found

    async def _held(
        self, request: AnyRequest, portfolios: list[Portfolio | None]
    ) -> dict[int, Held]:
        """Return what each portfolio holds, by its number; 0 is our own."""
        held = await self._holdings.noted([one.id for one in portfolios if one is not None])
        return {0: self._holdings.here(request.user_id), **held} if None in portfolios else held

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (*self._list_routes(), *self._one_routes())

    def _list_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/portfolios",
                handler=self.list_portfolios,
                access=Access.USER,
                scope=Scope.READ,
                query=PageQuery,
                answer=NotedPortfolioView,
                shape=Shape.PAGE,
                of_account=True,
                summary="List one's portfolios with their sums, what one holds here first",
                tag="portfolios",
            ),
            Route(
                method="POST",
                path="/portfolios",
                handler=self.create_portfolio,
                access=Access.USER,
                scope=Scope.OWNER,
                body=PortfolioBody,
                answer=NotedPortfolioView,
                status=201,
                errors=(LimitReached,),
                summary="Begin a portfolio",
                tag="portfolios",
            ),
            Route(
                method="GET",
                path="/portfolios/summary",
                handler=self.get_totals,
                access=Access.USER,
                scope=Scope.READ,
                answer=TotalsView,
                of_account=True,
                summary="Sum up all portfolios, and show where their value lies",
                tag="portfolios",
            ),
            Route(
                method="GET",
                path="/portfolios/{id}/history",
                handler=self.list_values,
                access=Access.USER,
                scope=Scope.READ,
                query=SliceQuery,
                answer=PastValueView,
                shape=Shape.SLICE,
                errors=(NotFound,),
                summary="List what a portfolio was worth day by day, newest first",
                tag="portfolios",
            ),
        )

    def _one_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/portfolios/{id}",
                handler=self.get_portfolio,
                access=Access.USER,
                scope=Scope.READ,
                answer=WholePortfolioView,
                of_account=True,
                errors=(NotFound,),
                summary="Show a portfolio with its sums and where its value lies",
                tag="portfolios",
            ),
            Route(
                method="PATCH",
                path="/portfolios/{id}",
                handler=self.change_portfolio,
                access=Access.USER,
                scope=Scope.OWNER,
                body=PortfolioChange,
                answer=NotedPortfolioView,
                errors=(Forbidden, NotFound, Conflict),
                summary="Change a portfolio's name or description, or make it the default",
                tag="portfolios",
            ),
            Route(
                method="DELETE",
                path="/portfolios/{id}",
                handler=self.delete_portfolio,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(Forbidden, NotFound),
                summary="Delete a portfolio with its positions",
                tag="portfolios",
            ),
        )


def _number(portfolio: Portfolio | None) -> int:
    return 0 if portfolio is None else portfolio.id


def _place(portfolio: Portfolio | None) -> str:
    return OURS if portfolio is None else str(portfolio.id)


def _day(past: PastValue) -> str:
    return str(past.day)
