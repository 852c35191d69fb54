"""The rows of the route table that show one market of any platform as it is: its price now, its
book, its tape, its history, all of it.  All are public.

Ours are answered from the committed view and the store, as ever. Of a venue's market what is asked
is at most a few seconds old; if the venue doesn't answer, what was known is given and says so, and
502 is the answer only where nothing was.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec

from exchange.messages.terms import YES
from exchange.model.market import Market
from exchange.model.state import State
from gateway.engine_side.ports import TapeHistory
from gateway.engine_side.readiness import ViewFeed
from gateway.feeds.api.reading import FeedReader, Known
from gateway.feeds.api.views import (
    AnyBookView,
    AnyTradeView,
    FullMarketView,
    ListedMarketView,
    PointView,
    as_of,
    entry_age,
    own_market,
    point_views,
    row_view,
    venue_book_view,
    venue_trade_view,
    with_mirror,
)
from gateway.feeds.live.following import Following
from gateway.feeds.live.views import followed_book_view, followed_view
from gateway.feeds.mirrored import Mirrored
from gateway.feeds.model import FINAL, PricePoint
from gateway.feeds.watches import Watches
from gateway.http.request import AnyRequest, AsOfView, Page, Request, Slice, Told
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.intervals import Interval, asked_range
from gateway.markets.lookup import find_market
from gateway.markets.past.views import BookDeltaView, OrderLogView
from gateway.markets.routes import (
    DEPTH,
    BookQuery,
    DeltasQuery,
    MarketRoutes,
    OrderLogQuery,
    TradesQuery,
    book_depth,
)
from gateway.markets.views import BookView, book_view, trade_view
from gateway.markets.volumes import MarketVolumes
from gateway.wire.errors import (
    ApiError,
    ExternalApiFailed,
    NotFound,
    OutOfRange,
    ValidationFailed,
)
from gateway.wire.scalars import TimeText
from gateway.wire.strict_json import QueryStruct
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.snapshots import DAY, HOUR, MINUTE, Snapshots

POINTS_MAX: Final = 1_000
_POINTS: Final = 300
"""Of a history whose beginning isn't asked for."""
_FULL_TRADES: Final = 50
_ERRORS: Final = (NotFound, ExternalApiFailed)


class HistoryQuery(QueryStruct, frozen=True, rename={"from_time": "from", "to_time": "to"}):
    """Which part of a history; unset: the last 300 intervals, never more than the last 1000."""

    interval: Interval = Interval.HOUR
    from_time: TimeText | None = None
    to_time: TimeText | None = None

    def span(self, now: int) -> tuple[int, int]:
        """Return (start, end) in microseconds; raises ValidationFailed."""
        step = self.interval.seconds * MICROSECONDS
        begin, last = asked_range(self.from_time, self.to_time, now)
        end = now if last is None else min(last, now)
        if begin is None:
            return max(0, end - _POINTS * step), end
        return max(begin, end - POINTS_MAX * step, 0), end


class LiveRoutes:
    """Shows one market as it is."""

    def __init__(
        self,
        view: State,
        ours: MarketRoutes,
        tape: TapeHistory,
        feed: ViewFeed,
        reader: FeedReader,
        snapshots: Snapshots,
        watches: Watches,
        following: Following,
        volumes: MarketVolumes,
        mirrored: Mirrored,
        pages: PageLimits,
    ) -> None:
        self._view = view
        self._ours = ours
        self._tape = tape
        self._feed = feed
        self._reader = reader
        self._snapshots = snapshots
        self._watches = watches
        self._following = following
        self._volumes = volumes
        self._mirrored = mirrored
        self._pages = pages

    async def get_live(self, request: Request[None, None]) -> ListedMarketView:
        """Return one market as it is now."""
        market = self._own(request)
        if market is not None:
            return own_market(market, self._volumes.of(market), now_us(), self._mirrored)
        known = await self._named(request)
        await self._watches.note(known.row.id)
        followed = self._following.shown((known.row.platform, known.row.external_id))
        if followed is not None:
            shown = followed_view(followed, known.market, now_us())
        else:
            known = await self._reader.live(known)
            shown = row_view(known.row, now_us(), stale=known.stale)
        return with_mirror(shown, self._mirrored, self._view)

    async def get_book(self, request: Request[None, BookQuery]) -> BookView | AnyBookView:
        """Return a snapshot of one outcome's book."""
        if self._own(request) is not None:
            return await self._ours.get_book(request)
        depth = book_depth(request.query, self._pages)
        if request.query.is_past:
            field = "at" if request.query.at_seq is None else "atSeq"
            await self._named(request)
            raise _keeps_no_past(field)
        known = await self._named(request)
        await self._watches.note(known.row.id)
        return await self._venue_book(known, request.query, depth)

    async def list_deltas(self, request: Request[None, DeltasQuery]) -> Slice[msgspec.Raw]:
        """Return a slice of what changed of a book of ours."""
        if self._own(request) is None:
            await self._named(request)
            raise _keeps_no_past("slug")
        return await self._ours.list_deltas(request)

    async def list_order_log(self, request: Request[None, OrderLogQuery]) -> Slice[msgspec.Raw]:
        """Return a slice of what happened to the orders of a book of ours."""
        if self._own(request) is None:
            await self._named(request)
            raise _keeps_no_past("slug")
        return await self._ours.list_order_log(request)

    async def list_trades(
        self, request: Request[None, TradesQuery]
    ) -> Slice[Any] | Told[Slice[Any]]:
        """Return a slice of the public tape; of a venue's the newest prints alone."""
        if self._own(request) is not None:
            return await self._ours.list_trades(request)
        query = request.query
        if query.cursor is not None or query.after_seq is not None:
            field = "cursor" if query.cursor is not None else "afterSeq"
            raise ValidationFailed.of(field, "only our own markets' tapes go back")
        known = await self._named(request)
        found, entry = await self._reader.trades(known, query.size(self._pages))
        views = [venue_trade_view(trade, known.market) for trade in found]
        return Told(Slice(views, None), entry_age(entry))

    async def get_history(
        self, request: Request[None, HistoryQuery]
    ) -> Page[PointView] | Told[Page[PointView]]:
        """Return what YES was worth, oldest first."""
        query = request.query
        start, end = query.span(now_us())
        points: Sequence[PricePoint] = []
        age: AsOfView | None = None
        market = self._own(request)
        if market is None:
            known = await self._named(request)
            if start <= end:
                seconds = query.interval.seconds
                otherwise = partial(self._recorded, known, start, end, seconds)
                points, entry = await self._reader.history(known, start, end, seconds, otherwise)
                age = entry_age(entry)
        elif start <= end:
            step = query.interval.seconds * MICROSECONDS
            found = await self._tape.price_history(market.id, start, end, step)
            points = [PricePoint(at=at, yes_price=p) for at, p in found]
        views = point_views(points[-POINTS_MAX:])
        page = Page(views, len(views), len(views), 0)
        return page if age is None else Told(page, age)

    async def get_full(self, request: Request[None, None]) -> FullMarketView:
        """Return all that is known of a market."""
        market = self._own(request)
        if market is not None:
            return await self._own_full(market)
        known = await self._now(request)
        shown = row_view(known.row, now_us(), stale=known.stale)
        followed = self._following.shown((known.row.platform, known.row.external_id))
        if followed is not None:
            # Of the same step as its book, for which nothing is waited for then.
            shown = followed_view(followed, known.market, now_us())
        book: AnyBookView | None = None
        trades: list[AnyTradeView] = []
        age: AsOfView | None = None
        # A part that the venue doesn't give takes nothing from the others.
        with suppress(ApiError):
            book = await self._venue_book(known, BookQuery(), DEPTH)
        with suppress(ApiError):
            prints, entry = await self._reader.trades(known, _FULL_TRADES)
            age = entry_age(entry)
            trades = [venue_trade_view(trade, known.market) for trade in prints]
        raw = await self._reader.raw(known)
        return FullMarketView(
            market=shown,
            book=book,
            trades=trades,
            trades_as_of=age,
            raw=None if raw is None else msgspec.Raw(raw),
        )

    async def _own_full(self, market: Market) -> FullMarketView:
        now = now_us()
        book = book_view(market, YES, DEPTH, self._feed.epoch)
        prints = await self._tape.trades(market.id, None, _FULL_TRADES)
        shown = [trade_view(trade, market, trade.at) for trade in prints]
        return FullMarketView(
            market=own_market(market, self._volumes.of(market), now, self._mirrored),
            book=AnyBookView(**msgspec.structs.asdict(book), as_of=as_of(now, now)),
            trades=[
                AnyTradeView(**(msgspec.structs.asdict(one) | {"kind": one.kind.value}))
                for one in shown
            ],
            trades_as_of=as_of(now, now),
            raw=None,
        )

    async def _venue_book(self, known: Known, query: BookQuery, depth: int) -> AnyBookView:
        followed = self._following.shown((known.row.platform, known.row.external_id))
        if followed is not None:
            return followed_book_view(followed, query.outcome, depth, now_us())
        book, entry = await self._reader.book(known)
        is_final = known.market.status in FINAL
        age = as_of(entry.at, now_us(), stale=entry.failed, final=is_final)
        return venue_book_view(book, known.market, query.outcome, depth, age)

    async def _recorded(
        self, known: Known, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        """Return prices of our own candles, the last of each interval."""
        seconds = next(s for s in (DAY, HOUR, MINUTE) if s <= interval_s)
        candles = await self._snapshots.candles(
            known.row.id, seconds, start, end, POINTS_MAX * (interval_s // seconds)
        )
        step = interval_s * MICROSECONDS
        last = {candle.start // step * step: candle.close for candle in candles}
        return [
            PricePoint(at=at, yes_price=price) for at, price in last.items() if price is not None
        ]

    async def _now(self, request: AnyRequest) -> Known:
        known = await self._named(request)
        await self._watches.note(known.row.id)
        return await self._reader.live(known)

    async def _named(self, request: AnyRequest) -> Known:
        return await self._reader.named(request.path["slug"])

    def _own(self, request: AnyRequest) -> Market | None:
        return find_market(self._view, request.path["slug"], drafts=request.is_admin)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/markets/{slug}/live",
                handler=self.get_live,
                access=Access.PUBLIC,
                answer=ListedMarketView,
                errors=_ERRORS,
                summary="Show a market as it is now, asking its venue",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/markets/{slug}/full",
                handler=self.get_full,
                access=Access.PUBLIC,
                answer=FullMarketView,
                errors=_ERRORS,
                summary="Show all of a market: book, newest trades, the venue's own object",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/markets/{slug}/history",
                handler=self.get_history,
                access=Access.PUBLIC,
                query=HistoryQuery,
                answer=PointView,
                shape=Shape.PAGE,
                errors=_ERRORS,
                tells_age=True,
                summary="Show what YES was worth over time, oldest first",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/markets/{slug}/orderbook",
                handler=self.get_book,
                access=Access.PUBLIC,
                query=BookQuery,
                answer=AnyBookView,
                errors=(*_ERRORS, OutOfRange),
                summary="Show one outcome's order book, of a market of any platform; of ours also"
                " as it was",
                tag="market data",
            ),
            *self._past_rows(),
            Route(
                method="GET",
                path="/markets/{slug}/trades",
                handler=self.list_trades,
                access=Access.PUBLIC,
                query=TradesQuery,
                answer=AnyTradeView,
                shape=Shape.SLICE,
                errors=_ERRORS,
                tells_age=True,
                summary="List a market's trades, newest first (after a seq: oldest first)",
                tag="market data",
            ),
        )

    def _past_rows(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/markets/{slug}/orderbook/deltas",
                handler=self.list_deltas,
                access=Access.PUBLIC,
                query=DeltasQuery,
                answer=BookDeltaView,
                shape=Shape.SLICE,
                errors=(*_ERRORS, OutOfRange),
                summary="List what changed of an order book of ours, command by command",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/markets/{slug}/orderbook/orders",
                handler=self.list_order_log,
                access=Access.PUBLIC,
                query=OrderLogQuery,
                answer=OrderLogView,
                shape=Shape.SLICE,
                errors=(*_ERRORS, OutOfRange),
                summary="List what happened to each order of a book of ours; nobody is named",
                tag="market data",
            ),
        )


def _keeps_no_past(field: str) -> ValidationFailed:
    return ValidationFailed.of(field, "only our own markets' books go back")
