"""The row of the route table that tells a market's life to everybody: `GET
/markets/{slug}/lifecycle`.

Made from the engine's own events: nothing is told that didn't happen, and of whoever did it the
role alone.
"""

from typing import Literal, Protocol, cast

from exchange.messages.terms import MarketStatus, Resolution
from exchange.model.state import State
from exchange.projections.lifecycle import LIMITS, LifeChange, MarketTerms
from gateway.http.paging import SliceQuery
from gateway.http.request import Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import find_market
from gateway.operations.trading_limit_routes import OwnLimitsView, limits_fields, market_fields
from gateway.wire.errors import NotFound
from gateway.wire.scalars import iso_millis, price_text, quantity_text
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.market_life import NUMBER_MAX, LifeMoment, Place

LifeKind = Literal["CREATED", "STATUS", "RESOLVED", "LIMITS", "EDITED"]
LifeRole = Literal["ADMIN", "ENGINE"]
LifeReason = Literal[
    "CLOSING_TIME",
    "VOLATILITY",
    "HALT_OVER",
    "POST_ONLY_OVER",
    "RESOLUTION",
    "HOLDERS_PAID",
]
LIFE_COST = 5
"""A part of it may have to be looked for in the journal."""


class MarketTermsView(AnswerStruct, frozen=True):
    """What a market is about, as far as it may be edited."""

    question: str
    description: str
    category: str
    close_time: str
    min_quantity: str


class LifeView(AnswerStruct, frozen=True):
    """One thing that happened to a market, by the command `seq`; `marketSeq` is the market's after
    it, null for what happened a moment ago.

    CREATED and STATUS have the `status` since then, with `resumesAt` where it goes on by itself;
    RESOLVED the `outcome`, what a share of YES pays, and the evidence (`source`); LIMITS the
    `limits` that bind trading since then; EDITED the `terms` that it has since then. `by` is the
    role of who did it, `reason` why the engine did, or of which larger step it is a part.
    """

    seq: int
    market_seq: int | None
    type: LifeKind
    by: LifeRole
    reason: LifeReason | None
    status: MarketStatus | None
    resumes_at: str | None
    outcome: Resolution | None
    yes_payout: str | None
    source: str | None
    limits: OwnLimitsView | None
    terms: MarketTermsView | None
    created_at: str


class Lives(Protocol):
    """Where the lives of markets are kept."""

    async def part(
        self, market_id: int, after: Place | None, until: int, limit: int
    ) -> tuple[list[LifeMoment], Place | None]:
        """Return what happened behind a place, by commands up to `until`, and where to go on."""


def life_view(moment: LifeMoment) -> LifeView:
    """Return what a moment of a market's life looks like."""
    change = moment.change
    payout, resumes_at = change.yes_payout, change.resumes_at
    return LifeView(
        moment.seq,
        moment.market_seq,
        cast("LifeKind", change.kind),
        cast("LifeRole", change.by),
        cast("LifeReason | None", change.reason),
        change.status,
        None if resumes_at is None else iso_millis(resumes_at),
        change.outcome,
        None if payout is None else price_text(payout),
        None if change.outcome is None else change.source,
        _limits(change),
        None if change.terms is None else _terms(change.terms),
        iso_millis(moment.at),
    )


def _limits(change: LifeChange) -> OwnLimitsView | None:
    if change.kind != LIMITS:
        return None
    return OwnLimitsView(*limits_fields(change.limits), *market_fields(change.limits))


def _terms(terms: MarketTerms) -> MarketTermsView:
    return MarketTermsView(
        terms.question,
        terms.description,
        terms.category,
        iso_millis(terms.close_time),
        quantity_text(terms.min_quantity),
    )


class LifecycleRoutes:
    """Tells what happened to our markets."""

    def __init__(self, view: State, lives: Lives, pages: PageLimits) -> None:
        self._view = view
        self._lives = lives
        self._pages = pages

    async def list_changes(self, request: Request[None, SliceQuery]) -> Slice[LifeView]:
        """Return a slice of a market's life, oldest first."""
        query = request.query
        limit, after = query.size(self._pages), query.pair(NUMBER_MAX)
        market = find_market(self._view, request.path["slug"], drafts=request.is_admin)
        if market is None:
            raise NotFound("There is no such market here; those of other venues tell no lifecycle")
        found, further = await self._lives.part(market.id, after, self._view.seq, limit)
        cursor = None if further is None else f"{further[0]}-{further[1]}"
        return Slice([life_view(moment) for moment in found], cursor)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/markets/{slug}/lifecycle",
                handler=self.list_changes,
                access=Access.PUBLIC,
                query=SliceQuery,
                answer=LifeView,
                shape=Shape.SLICE,
                errors=(NotFound,),
                cost=LIFE_COST,
                summary="List what happened to a market from its creation on, oldest first",
                tag="market data",
            ),
        )
