"""The rows of the route table about matches: the same question on several platforms, side by side.

Everybody reads them; admins say which are right. Prices are those that the catalogue knows now.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Final

from exchange.messages.bounds import STORED_MAX
from gateway.access.principals import Actor
from gateway.feeds.known import (
    KnownMarket,
    MarketCatalogue,
    MarketRef,
    check_platform,
    find_market_of_any,
    platform_text,
)
from gateway.feeds.matches.arbitrage import Arbitrage, best_way, difference
from gateway.feeds.matches.settings import MatchSettings
from gateway.feeds.model import ListedStatus
from gateway.feeds.totals import Totals
from gateway.http.paging import PageQuery, page_of
from gateway.http.reading.query_strings import parse_words, words_text
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import ExternalApiFailed, NotFound, UnknownOutcome
from gateway.wire.scalars import iso_millis, price_if_known, price_text, time_if_known
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.clock import now_us
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.feeds.matches import Match, Matches, MatchFilter, MatchStatus

_SHOWN: Final = (MatchStatus.CANDIDATE, MatchStatus.CONFIRMED)

StatusesText = Annotated[
    str, words_text(MatchStatus, "CONFIRMED,CANDIDATE", unset="all but those that were denied")
]
PlatformText = Annotated[str, platform_text("on either side; unset: all")]


class MatchesQuery(PageQuery, frozen=True):
    """Which matches; unset: all but those that were denied."""

    status: StatusesText | None = None
    platform: PlatformText | None = None


class DecisionBody(BodyStruct, frozen=True):
    """What a pair is; CANDIDATE takes a decision back."""

    decision: MatchStatus


class MatchedMarketView(AnswerStruct, frozen=True):
    """One side of a match as it is now; null where its platform no longer lists it."""

    market_id: str
    platform: str
    external_id: str
    slug: str | None
    question: str | None
    status: ListedStatus | None
    close_time: str | None
    yes_price: str | None
    best_bid: str | None
    best_ask: str | None
    currency: str | None
    as_of: str | None


class ArbitrageView(AnswerStruct, frozen=True):
    """A share of YES in one market and a share of NO in the other: together they are paid 1.

    `profit` is 1 - `cost` - `fees` (of takers, of an order of 100 shares), `netProfit` less what
    the capital costs until both close, `annualReturn` the profit on it in a year. Null: not known.
    """

    buy_yes_on: str
    buy_no_on: str
    yes_ask: str
    no_ask: str
    cost: str
    fees: str | None
    profit: str | None
    closes_at: str | None
    capital_cost: str | None
    net_profit: str | None
    annual_return: str | None
    is_profitable: bool
    """Whether anything is left after fees and the capital's time."""


class MatchView(AnswerStruct, frozen=True):
    """Two markets that ask the same; `priceDifference` is YES in the first less in the second.

    `arbitrage` is the better way round; null unless both trade and have the offers it takes.
    """

    id: str
    status: MatchStatus
    score: str
    markets: list[MatchedMarketView]
    price_difference: str | None
    arbitrage: ArbitrageView | None
    found_at: str
    decided_at: str | None


class MatchRoutes:
    """Shows matches, and takes admins' word on them."""

    def __init__(
        self,
        rows: Matches,
        markets: MarketCatalogue,
        audit: AuditLog,
        totals: Totals,
        settings: MatchSettings,
        pages: PageLimits,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._markets = markets
        self._audit = audit
        self._totals = totals
        self._decided = 0
        """How often an admin decided here: what was counted before is of another list."""
        self._rate = settings.capital_rate
        self._pages = pages
        self._clock = clock

    async def list_matches(self, request: Request[None, MatchesQuery]) -> Page[MatchView]:
        """Return one page of the matches, the likeliest first."""
        query = request.query
        limit, offset = query.bounds(self._pages)
        before = query.pair(STORED_MAX)
        check_platform(self._markets.platforms, query.platform)
        statuses = parse_words(query.status, MatchStatus, "status") or _SHOWN
        wanted = MatchFilter(statuses, query.platform)
        key = f"matches {self._decided} {wanted!r}"
        total = await self._totals.of(key, lambda: self._rows.count(wanted))
        found = await self._rows.page(wanted, limit + 1, offset, before)
        return await self._page(found, limit, offset, total)

    async def list_of_market(self, request: Request[None, PageQuery]) -> Page[MatchView]:
        """Return one page of a market's matches, the likeliest first."""
        query = request.query
        limit, offset = query.bounds(self._pages)
        before = query.pair(STORED_MAX)
        market = await find_market_of_any(self._markets, request.path["slug"])
        if market is None:
            raise NotFound("There is no such market")
        found, total = await self._rows.page_of_market(*market.ref, limit + 1, offset, before)
        return await self._page(found, limit, offset, total)

    async def decide(self, request: Request[DecisionBody, None]) -> MatchView:
        """Note what an admin says of a match, and that it was said."""
        decision, number = request.body.decision, request.path_id("id")
        found = await self._rows.decide(number, decision, self._clock())
        if found is None:
            raise NotFound
        self._decided += 1
        await self._note(request.actor, f"match:{number} {decision.value}")
        return (await self._views([found]))[0]

    async def _note(self, actor: Actor, target: str) -> None:
        trail = AuditTrail(self._audit, actor.request_id)
        try:
            await trail.note(actor.user_id, "match.decide", target, "ok")
        except OUTAGES as outage:
            # It is decided, but not told of: a repeat does both.
            raise UnknownOutcome from outage

    async def _page(
        self, found: Sequence[Match], limit: int, offset: int, total: int
    ) -> Page[MatchView]:
        views = {view.id: view for view in await self._views(found[:limit])}
        return page_of(
            found,
            limit,
            offset,
            total,
            lambda match: views[str(match.id)],
            lambda match: f"{match.score}-{match.id}",
        )

    async def _views(self, found: Sequence[Match]) -> list[MatchView]:
        refs = {MarketRef(*name) for match in found for name in (match.first, match.second)}
        known = await self._markets.known_many(refs) if refs else {}
        now = self._clock()
        views = []
        for match in found:
            sides = [MarketRef(*match.first), MarketRef(*match.second)]
            views.append(match_view(match, sides, [known.get(r) for r in sides], self._rate, now))
        return views

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/matches",
                handler=self.list_matches,
                access=Access.PUBLIC,
                query=MatchesQuery,
                answer=MatchView,
                shape=Shape.PAGE,
                summary="List the same questions on several platforms, with what they differ by",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/markets/{slug}/matches",
                handler=self.list_of_market,
                access=Access.PUBLIC,
                query=PageQuery,
                answer=MatchView,
                shape=Shape.PAGE,
                errors=(NotFound, ExternalApiFailed),
                summary="Show where else a market's question is asked",
                tag="markets",
            ),
            Route(
                method="POST",
                path="/matches/{id}",
                handler=self.decide,
                access=Access.ADMIN,
                body=DecisionBody,
                answer=MatchView,
                errors=(NotFound, UnknownOutcome),
                summary="Confirm or deny that two markets ask the same",
                tag="markets",
            ),
        )


def match_view(
    match: Match,
    sides: Sequence[MarketRef],
    markets: Sequence[KnownMarket | None],
    rate: Decimal,
    now: int,
) -> MatchView:
    """Return a match with both sides as they are now."""
    first, second = markets
    way = None if first is None or second is None else best_way(first, second, rate, now)
    apart = difference(markets)
    return MatchView(
        str(match.id),
        match.status,
        price_text(match.score),
        [_side_view(ref, market) for ref, market in zip(sides, markets, strict=True)],
        None if apart is None else f"{'-' if apart < 0 else ''}{price_text(abs(apart))}",
        None if way is None else arbitrage_view(way),
        iso_millis(match.found_at),
        time_if_known(match.decided_at),
    )


def arbitrage_view(way: Arbitrage) -> ArbitrageView:
    """Return one way round as it is shown."""
    return ArbitrageView(
        way.yes_on.id,
        way.no_on.id,
        price_text(way.yes_ask),
        price_text(way.no_ask),
        f"{way.cost:.8f}",
        _money(way.fees),
        _money(way.profit),
        time_if_known(way.closes_at),
        _money(way.capital),
        _money(way.net),
        None if way.annual is None else f"{way.annual:f}",
        way.net is not None and way.net > 0,
    )


def _side_view(ref: MarketRef, market: KnownMarket | None) -> MatchedMarketView:
    if market is None:
        return MatchedMarketView(ref.id, *ref, *[None] * 9)
    return MatchedMarketView(
        ref.id,
        *ref,
        market.slug,
        market.question,
        market.status,
        time_if_known(market.close_time),
        price_if_known(market.yes_price),
        price_if_known(market.best_bid),
        price_if_known(market.best_ask),
        market.currency,
        time_if_known(market.as_of),
    )


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.8f}"
