"""The rows of the route table under /positions and /portfolios/{id}/positions.

Laws: a position is one lot: adding the same market and side again makes another one, with its own
cost, so no average is ever rounded and each can be closed at its own price. It is closed once
(409). Those of our own portfolio are read from the committed view and can't be changed (403). A
market of ours must exist; one of another platform that nobody lists is taken if `question` says
what it is about.
"""

from itertools import islice
from typing import Final

from exchange.messages.bounds import QUESTION_LENGTH
from exchange.messages.terms import NO, YES
from exchange.model.accounts import Holding
from exchange.model.market import Market
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.feeds.known import (
    OURS,
    KnownMarket,
    MarketCatalogue,
    MarketRef,
    check_platform,
    named_market,
    no_such_market,
)
from gateway.http.paging import page_of
from gateway.http.request import AnyRequest, AsOf, Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.portfolio.records import amounts
from gateway.portfolio.records.bodies import (
    CloseBody,
    PositionBody,
    PositionChange,
    PositionsOfQuery,
    question_of,
    ticker_of,
)
from gateway.portfolio.records.portfolios import is_ours, read_only
from gateway.portfolio.records.views import (
    NotedPositionView,
    PositionStatus,
    our_position_view,
    position_view,
)
from gateway.portfolio.settings import PortfolioSettings
from gateway.portfolio.views import held
from gateway.trading.views import read_mark
from gateway.wire.errors import (
    Conflict,
    Detail,
    ExternalApiFailed,
    Forbidden,
    LimitReached,
    NotFound,
    PriceUnknown,
    ValidationFailed,
)
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import BODY_FIELD, is_given
from persistence.clock import now_us
from persistence.errors import AlreadyThere, BoundReached
from persistence.repositories.portfolio_positions import (
    NewPosition,
    PortfolioPositions,
    Position,
    PositionFilter,
)
from persistence.repositories.portfolios import Portfolios

_SIDES: Final = {"YES": YES, "NO": NO}
_PLACES: Final = {YES: 1, NO: 2}


class PositionRoutes:
    """Keeps the positions that people note down."""

    def __init__(
        self,
        rows: PortfolioPositions,
        portfolios: Portfolios,
        view: State,
        markets: MarketCatalogue,
        settings: PortfolioSettings,
        pages: PageLimits,
    ) -> None:
        self._rows = rows
        self._portfolios = portfolios
        self._view = view
        self._markets = markets
        self._settings = settings
        self._pages = pages

    async def list_positions(
        self, request: Request[None, PositionsOfQuery]
    ) -> AsOf[Page[NotedPositionView]]:
        """Return one page of a portfolio's positions, oldest first; ours by market, YES first."""
        mark = read_mark(self._view, request.user_id)
        return mark.on(await self._page(request))

    async def _page(self, request: Request[None, PositionsOfQuery]) -> Page[NotedPositionView]:
        query = request.query
        limit, offset = query.bounds(self._pages)
        check_platform(self._markets.platforms, query.platform)
        if is_ours(request):
            return self._our_page(request, limit, offset)
        number, after = request.path_id("id"), query.number() or 0
        if await self._portfolios.get(request.user_id, number) is None:
            raise NotFound
        found, total = await self._rows.page(
            request.user_id,
            number,
            PositionFilter(
                None if query.status is None else query.status is PositionStatus.OPEN,
                query.platform,
            ),
            limit + 1,
            offset,
            after,
        )
        known = await self._markets.known_many({_ref(position) for position in found})

        def shown(position: Position) -> NotedPositionView:
            return position_view(position, known.get(_ref(position)))

        return page_of(found, limit, offset, total, shown, lambda one: str(one.id))

    async def add_position(self, request: Request[PositionBody, None]) -> NotedPositionView:
        """Note a position down."""
        if is_ours(request):
            raise read_only()
        body, number = request.body, request.path_id("id")
        ref, market = await named_market(self._markets, body.market_id, body.platform)
        quantity = amounts.shares(body.quantity)
        avg_cost = amounts.price(body.avg_cost, "avgCost")
        ticker, question = ticker_of(body.ticker), question_of(body.question)
        if await self._portfolios.get(request.user_id, number) is None:
            raise NotFound
        if market is None and (ref.platform == OURS or question is None):
            raise no_such_market()
        new = NewPosition(
            platform=ref.platform,
            external_id=ref.external_id,
            side=body.side,
            quantity=quantity,
            avg_cost=avg_cost,
            ticker=ticker,
            question=question or _asked_there(market),
        )
        most = self._settings.positions_max
        try:
            made = await self._rows.add(request.user_id, number, new, now_us(), most)
        except BoundReached:
            raise LimitReached.of("positions", most) from None
        return position_view(_found(made), market)

    async def get_position(self, request: Request[None, None]) -> AsOf[NotedPositionView]:
        """Return one position as it stands now."""
        mark = read_mark(self._view, request.user_id)
        if _names_ours(request):
            return mark.on(our_position_view(*self._our_position(request)))
        position = _found(await self._rows.get(request.user_id, request.path_id("id")))
        return mark.on(await self._shown(position))

    async def change_position(self, request: Request[PositionChange, None]) -> NotedPositionView:
        """Change what was noted of an open position."""
        self._refuse_ours(request)
        body, number = request.body, request.path_id("id")
        quantity = amounts.shares(body.quantity) if is_given(body.quantity) else None
        avg_cost = amounts.price(body.avg_cost, "avgCost") if is_given(body.avg_cost) else None
        ticker, question = ticker_of(body.ticker), question_of(body.question)
        if all(new is None for new in (quantity, avg_cost, ticker, question)):
            raise ValidationFailed.of(
                BODY_FIELD, "must change quantity, avgCost, ticker or question"
            )
        try:
            changed = await self._rows.change(
                request.user_id,
                number,
                now_us(),
                quantity=quantity,
                avg_cost=avg_cost,
                ticker=ticker,
                question=question,
            )
        except AlreadyThere:
            raise _closed() from None
        return await self._shown(_found(changed))

    async def delete_position(self, request: Request[None, None]) -> None:
        """Take a position off the records, with what it made if it is closed."""
        self._refuse_ours(request)
        if not await self._rows.remove(request.user_id, request.path_id("id")):
            raise NotFound

    async def close_position(self, request: Request[CloseBody, None]) -> NotedPositionView:
        """Close a position, at the live price unless one is given."""
        self._refuse_ours(request)
        body, number = request.body, request.path_id("id")
        price = amounts.price(body.price, "price") if is_given(body.price) else None
        if price is None:
            price = await self._live_price(_found(await self._rows.get(request.user_id, number)))
        try:
            closed = await self._rows.close(request.user_id, number, price, now_us())
        except AlreadyThere:
            raise _closed() from None
        return await self._shown(_found(closed))

    async def _live_price(self, position: Position) -> int:
        """Return what a share is worth now, in 1/10^6; raises PriceUnknown, Conflict if closed."""
        if position.closed_at is not None:
            raise _closed()
        market = await self._markets.live(*_ref(position))
        price = None if market is None else market.worth(position.side)
        if price is None:
            raise PriceUnknown
        return amounts.price_of_ours(price)

    async def _shown(self, position: Position) -> NotedPositionView:
        # Of what is stored, as in lists: what is done is done, whether or not its venue answers.
        known = await self._markets.known_many([_ref(position)])
        return position_view(position, known.get(_ref(position)))

    def _our_page(
        self, request: Request[None, PositionsOfQuery], limit: int, offset: int
    ) -> Page[NotedPositionView]:
        query, after = request.query, request.query.pair()
        found: list[tuple[Holding, Market]] = []
        if query.status is not PositionStatus.CLOSED and query.platform in {None, OURS}:
            found = self._held_here(request)
        part = (one for one in found if after is None or _place(one[0]) > after)
        return page_of(
            list(islice(part, offset, offset + limit + 1)),
            limit,
            offset,
            len(found),
            lambda one: our_position_view(*one),
            lambda one: "{}-{}".format(*_place(one[0])),
        )

    def _held_here(self, request: AnyRequest) -> list[tuple[Holding, Market]]:
        account = self._view.accounts.get(request.user_id)
        if account is None:
            return []
        markets = [self._view.markets[market_id] for market_id in sorted(account.positions)]
        return [(holding, market) for market in markets for holding in held(account, market)]

    def _our_position(self, request: AnyRequest) -> tuple[Holding, Market]:
        """Return the shares that e.g. "exchange-7-YES" names; raises NotFound if there are none."""
        _, _, rest = request.path["id"].partition("-")
        number, _, side = rest.partition("-")
        market_id, outcome = parse_id(number), _SIDES.get(side)
        account = self._view.accounts.get(request.user_id)
        position = None if account is None else account.positions.get(market_id or 0)
        if position is None or outcome is None or not position.holding(outcome).quantity:
            raise NotFound
        holding = position.holding(outcome)
        return holding, self._view.markets[holding.market_id]

    def _refuse_ours(self, request: AnyRequest) -> None:
        """Raise Forbidden for a position of our own portfolio, NotFound if there is none such."""
        if _names_ours(request):
            self._our_position(request)
            raise read_only()

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (*self._of_portfolio_routes(), *self._one_routes())

    def _of_portfolio_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/portfolios/{id}/positions",
                handler=self.list_positions,
                access=Access.USER,
                scope=Scope.READ,
                query=PositionsOfQuery,
                answer=NotedPositionView,
                shape=Shape.PAGE,
                of_account=True,
                errors=(NotFound,),
                summary="List a portfolio's positions as they stand now",
                tag="portfolios",
            ),
            Route(
                method="POST",
                path="/portfolios/{id}/positions",
                handler=self.add_position,
                access=Access.USER,
                scope=Scope.OWNER,
                body=PositionBody,
                answer=NotedPositionView,
                status=201,
                errors=(Forbidden, NotFound, LimitReached, ExternalApiFailed),
                summary="Note a position of any platform down",
                tag="portfolios",
            ),
        )

    def _one_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/positions/{id}",
                handler=self.get_position,
                access=Access.USER,
                scope=Scope.READ,
                answer=NotedPositionView,
                of_account=True,
                errors=(NotFound,),
                summary="Show a position as it stands now",
                tag="portfolios",
            ),
            Route(
                method="PATCH",
                path="/positions/{id}",
                handler=self.change_position,
                access=Access.USER,
                scope=Scope.OWNER,
                body=PositionChange,
                answer=NotedPositionView,
                errors=(Forbidden, NotFound, Conflict),
                summary="Change what was noted of an open position",
                tag="portfolios",
            ),
            Route(
                method="DELETE",
                path="/positions/{id}",
                handler=self.delete_position,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(Forbidden, NotFound),
                summary="Take a position off the records",
                tag="portfolios",
            ),
            Route(
                method="POST",
                path="/positions/{id}/close",
                handler=self.close_position,
                access=Access.USER,
                scope=Scope.OWNER,
                body=CloseBody,
                needs_body=False,
                answer=NotedPositionView,
                errors=(Forbidden, NotFound, Conflict, PriceUnknown, ExternalApiFailed),
                summary="Close a position, at its live price unless one is given",
                tag="portfolios",
            ),
        )


def _ref(position: Position) -> MarketRef:
    return MarketRef(position.platform, position.external_id)


def _found(position: Position | None) -> Position:
    if position is None:
        raise NotFound
    return position


def _asked_there(market: KnownMarket | None) -> str:
    """Return a market's own question, at most as long as one that is given."""
    if market is None:
        raise TypeError("a market that nobody lists has a question that was given")
    return market.question[:QUESTION_LENGTH]


def _names_ours(request: AnyRequest) -> bool:
    return request.path["id"].startswith(f"{OURS}-")


def _place(holding: Holding) -> tuple[int, int]:
    return holding.market_id, _PLACES[holding.outcome]


def _closed() -> Conflict:
    message = "is closed"
    return Conflict(f"id: {message}", details=(Detail("id", message),))
