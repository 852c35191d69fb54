"""The rows of the route table that show markets, their books and their tapes.  All are public.

Markets and books are read from the committed view, so they show what the last answered command
left; trades come from the store. A market is named by its slug or its id.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Annotated, Final
from unicodedata import normalize

import msgspec

from exchange.messages.bounds import CATEGORY_LENGTH, STORED_MAX
from exchange.messages.terms import YES, MarketStatus, Outcome
from exchange.model.market import DRAFT, Market
from exchange.model.state import State
from gateway.engine_side.ports import TapeHistory
from gateway.engine_side.readiness import ViewFeed
from gateway.http.paging import MOST, PageQuery, SliceQuery, never_given, page_of, slice_of
from gateway.http.reading.query_strings import words_text
from gateway.http.request import AnyRequest, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import find_market
from gateway.markets.outcome_names import Labels
from gateway.markets.past.books import AtSeqText, BookHistory, LogAfterText
from gateway.markets.views import (
    BookView,
    MarketView,
    TradeView,
    book_view,
    market_view,
    trade_view,
)
from gateway.wire.errors import NotFound, OutOfRange, ValidationFailed
from gateway.wire.scalars import TimeText, parse_id
from gateway.wire.strict_json import QueryStruct
from persistence.repositories.history import PastTrade

SEARCH_LENGTH: Final = 100
DEPTH: Final = 20
"""Levels a side of a book when not asked for."""

CategoryText = Annotated[str, msgspec.Meta(max_length=CATEGORY_LENGTH)]
SearchText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=SEARCH_LENGTH,
        description="part of the question or the slug, with a letter or a digit; of venues' markets"
        " words, each of them whole or begun",
    ),
]
DepthText = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="levels a side")]
AfterSeqText = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=STORED_MAX,
        description="only trades of later market seqs, oldest first; go on by nextCursor alone",
    ),
]
StatusesText = Annotated[str, words_text(MarketStatus, "OPEN,HALTED")]
_UPWARDS: Final = "after-"
"""A cursor that begins so goes on towards the newest."""


class MarketsQuery(PageQuery, frozen=True):
    """Which markets."""

    status: StatusesText | None = None
    category: CategoryText | None = None
    search: SearchText | None = None


class BookQuery(QueryStruct, frozen=True):
    """Which outcome's book, and how much of it."""

    outcome: Outcome = YES
    depth: DepthText | None = None
    at_seq: AtSeqText | None = None
    at: TimeText | None = None

    @property
    def is_past(self) -> bool:
        """Say whether another book than today's is asked for."""
        return self.at_seq is not None or self.at is not None


class DeltasQuery(SliceQuery, frozen=True):
    """Which part of a book's changes, of which outcome, oldest first; from the first if unset."""

    outcome: Outcome = YES
    after_seq: LogAfterText = 0


class OrderLogQuery(SliceQuery, frozen=True):
    """Which part of a book's order log, oldest first; from the first command if unset."""

    after_seq: LogAfterText = 0


class TradesQuery(SliceQuery, frozen=True):
    """Which part of the tape; newest first, but with `afterSeq` oldest first.

    A cursor carries its direction, so it goes on the same way by itself.
    """

    after_seq: AfterSeqText | None = None

    def upwards_from(self) -> int | None:
        """Return the trade to go on after, towards the newest; None for the other direction."""
        if self.cursor is not None and self.cursor.startswith(_UPWARDS):
            place = parse_id(self.cursor.removeprefix(_UPWARDS))
            if place is None:
                raise never_given()
            return place
        if self.after_seq is None:
            return None
        return self.number() or 0


def matching(
    view: State,
    statuses: Collection[MarketStatus] | None = None,
    category: str | None = None,
    search: str | None = None,
    *,
    drafts: bool = False,
) -> list[Market]:
    """Return the markets that are asked for (None: all), newest first.  O(markets)."""
    found = list(reversed(view.markets.values()))
    if not drafts:
        found = [market for market in found if market.status is not DRAFT]
    if statuses is not None:
        found = [market for market in found if market.status in statuses]
    if category is not None:
        category = normalize("NFC", category).casefold()
        found = [market for market in found if market.category.casefold() == category]
    if search is not None:
        text = normalize("NFC", search).casefold()
        found = [m for m in found if text in m.question.casefold() or text in m.slug]
    return found


def book_depth(query: BookQuery, pages: PageLimits) -> int:
    """Return the levels a side that are asked for; raises ValidationFailed for too many."""
    most = pages.size_max
    depth = min(DEPTH, most) if query.depth is None else query.depth
    if depth > most:
        raise ValidationFailed.of("depth", f"must be at most {most}")
    return depth


def _going_on(query: DeltasQuery | OrderLogQuery) -> tuple[int, str]:
    """Return the seq to go on after, and which parameter says so."""
    cursor = query.number()
    return (query.after_seq, "afterSeq") if cursor is None else (cursor, "cursor")


def _whole_seqs(found: Sequence[PastTrade], limit: int) -> int:
    """Return how many of `found` to give, at most `limit`, so that no seq is cut.

    One that is longer than the limit has to be: the cursor goes on inside it.
    """
    if len(found) <= limit:
        return limit
    cut = found[limit].market_seq
    whole = sum(trade.market_seq != cut for trade in found[:limit])
    return whole or limit


class MarketRoutes:
    """Shows our markets to everybody; `feeds/api` asks here for ours wherever a path may name
    another platform's.
    """

    def __init__(
        self,
        view: State,
        tape: TapeHistory,
        feed: ViewFeed,
        past: BookHistory,
        labels: Callable[[Market], Labels],
        pages: PageLimits,
    ) -> None:
        """`labels` says what YES and NO of a market of ours are called."""
        self._view = view
        self._tape = tape
        self._feed = feed
        self._past = past
        self._labels = labels
        self._pages = pages

    def page(
        self,
        query: MarketsQuery,
        statuses: Collection[MarketStatus] | None,
        *,
        drafts: bool = False,
    ) -> Page[MarketView]:
        """Return one page of the markets, newest first; `statuses` are those that `query` names."""
        limit, offset = query.bounds(self._pages)
        before = query.number()
        found = matching(self._view, statuses, query.category, query.search, drafts=drafts)
        part = found if before is None else (market for market in found if market.id < before)
        part = list(islice(part, offset, offset + limit + 1))

        def shown(market: Market) -> MarketView:
            return market_view(market, self._labels(market))

        return page_of(part, limit, offset, len(found), shown, lambda market: str(market.id))

    async def get_book(self, request: Request[None, BookQuery]) -> BookView:
        """Return a snapshot of one outcome's book, as it is or as it was."""
        query = request.query
        depth = book_depth(query, self._pages)
        market = self._market_shown(request)
        if query.at_seq is not None:
            if query.at is not None:
                raise ValidationFailed.of("at", "give either atSeq or at")
            return await self._past.at_seq(market, query.outcome, depth, query.at_seq)
        if query.at is not None:
            return await self._past.at_time(market, query.outcome, depth, query.at)
        return book_view(market, query.outcome, depth, self._feed.epoch)

    async def list_deltas(self, request: Request[None, DeltasQuery]) -> Slice[msgspec.Raw]:
        """Return a slice of what changed of one outcome's book."""
        query = request.query
        limit, (after, field) = query.size(self._pages), _going_on(query)
        market = self._market_shown(request)
        return await self._past.deltas(market, query.outcome, after, limit, field)

    async def list_order_log(self, request: Request[None, OrderLogQuery]) -> Slice[msgspec.Raw]:
        """Return a slice of what happened to the orders of a book."""
        limit, (after, field) = request.query.size(self._pages), _going_on(request.query)
        return await self._past.orders(self._market_shown(request), after, limit, field)

    async def list_trades(self, request: Request[None, TradesQuery]) -> Slice[TradeView]:
        """Return a slice of the public tape."""
        query = request.query
        limit, after = query.size(self._pages), query.upwards_from()
        market = self._market_shown(request)

        def shown(past: PastTrade) -> TradeView:
            return trade_view(past, market, past.at)

        if after is None:
            found = await self._tape.trades(market.id, query.number(), limit + 1)
            return slice_of(found, limit, shown, lambda past: str(past.trade_no))
        seq = query.after_seq or 0
        found = await self._tape.trades_after(market.id, seq, after, limit + 1)
        whole = _whole_seqs(found, limit)
        return slice_of(found, whole, shown, lambda past: f"{_UPWARDS}{past.trade_no}")

    def _market_shown(self, request: AnyRequest) -> Market:
        """Return the market that the path names; raises NotFound."""
        market = find_market(self._view, request.path["slug"], drafts=request.is_admin)
        if market is None:
            raise NotFound("There is no such market")
        return market

    def routes(self) -> tuple[Route, ...]:
        """Return the rows: books and tapes under the names that order entry gives them."""
        return (
            Route(
                method="GET",
                path="/orders/{slug}/orderbook",
                handler=self.get_book,
                access=Access.PUBLIC,
                query=BookQuery,
                answer=BookView,
                errors=(NotFound, OutOfRange),
                summary="Show one outcome's order book, as it is or as it was",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/orders/{slug}/trades",
                handler=self.list_trades,
                access=Access.PUBLIC,
                query=TradesQuery,
                answer=TradeView,
                shape=Shape.SLICE,
                errors=(NotFound,),
                summary="List a market's trades, newest first (after a seq: oldest first)",
                tag="market data",
            ),
        )
