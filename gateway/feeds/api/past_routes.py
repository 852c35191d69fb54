"""The rows of the route table that tell how one market of any platform went: candles, and the day
behind it.  All are public.

Ours come from the journal, by the projector. Of a venue's market they are the venue's own, as old
as `asOf` in the meta says; where it has none or doesn't answer, there is what was recorded here of
its prices: when somebody looked, so without volumes, and put together once an hour.
"""

from collections.abc import Sequence
from typing import Final

from exchange.model.market import Market
from exchange.model.state import State
from gateway.feeds.api.reading import FeedReader, Known
from gateway.feeds.api.views import as_of, entry_age, listed_view
from gateway.feeds.live.following import Following
from gateway.feeds.model import VenueCandle
from gateway.http.request import AnyRequest, AsOfView, Page, Request, Told, UpTo
from gateway.http.routing import Access, Route, Shape
from gateway.markets.candles import (
    CandlesQuery,
    CandleView,
    Fill,
    OwnCandles,
    RangeView,
    candle_view,
)
from gateway.markets.lookup import find_market
from gateway.markets.tickers import Tickers, TickerView
from gateway.wire.errors import ApiError, ExternalApiFailed, NotFound
from gateway.wire.scalars import iso_millis, price_if_known, quantity_if_known
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.snapshots import DAY, HOUR, MINUTE, Candle, Snapshots

_ERRORS: Final = (NotFound, ExternalApiFailed)


class PastRoutes:
    """Shows how one market went."""

    def __init__(
        self,
        view: State,
        ours: OwnCandles,
        tickers: Tickers,
        reader: FeedReader,
        following: Following,
        snapshots: Snapshots,
    ) -> None:
        self._view = view
        self._ours = ours
        self._tickers = tickers
        self._reader = reader
        self._following = following
        self._snapshots = snapshots

    async def list_candles(
        self, request: Request[None, CandlesQuery]
    ) -> Page[CandleView] | UpTo[Page[CandleView]] | Told[Page[CandleView]]:
        """Return candles, oldest first."""
        query, now = request.query, now_us()
        market = self._own(request)
        if market is not None:
            found, seq = await self._ours.find(market.id, query, now, request.min_seq)
            return UpTo(_page([candle_view(candle) for candle in found]), seq)
        start, end = query.range(now)
        known = await self._reader.named(request.path["slug"])
        views, age = await self._of_venue(known, query.interval.seconds, start, end)
        if query.fill is Fill.YES:
            views = filled_views(views, query.interval.seconds, start, end)
        return Told(_page(views), age)

    async def get_ticker(self, request: Request[None, None]) -> TickerView | UpTo[TickerView]:
        """Return one market at a glance."""
        market = self._own(request)
        if market is not None:
            (shown,), seq = await self._tickers.of([market], request.min_seq)
            return UpTo(shown, seq)
        known = await self._reader.named(request.path["slug"])
        followed = self._following.shown((known.row.platform, known.row.external_id))
        if followed is None:
            known = await self._reader.live(known)
            theirs, at = known.market, known.at
        else:
            theirs, at = followed.as_traded(), followed.told_at
        one = listed_view(theirs, at, now_us())
        return TickerView(
            one.id,
            one.slug,
            one.status.value,
            one.best_bid,
            quantity_if_known(theirs.bid_quantity),
            one.best_ask,
            quantity_if_known(theirs.ask_quantity),
            one.last_price,
            None,
            None,
            None,
            one.volume24h or None,
            None,
            None,
            one.open_interest,
            None,
            iso_millis(at),
        )

    async def _of_venue(
        self, known: Known, interval_s: int, start: int, end: int
    ) -> tuple[list[CandleView], AsOfView]:
        """Return the candles of [start, end), oldest first, and how old they are."""
        failed = False
        try:
            told = await self._reader.candles(known, start, end, interval_s)
        except ApiError:
            told, failed = None, True
        if told is not None:
            return [_venue_view(one) for one in told[0]], entry_age(told[1])
        recorded = await self._recorded(known.row.id, interval_s, start, end)
        now = now_us()
        at = now
        if failed:
            at = min(recorded[-1][0] + interval_s * MICROSECONDS, now) if recorded else known.at
        age = as_of(at, now, stale=failed, final=True)
        return [_recorded_view(begin, parts) for begin, parts in recorded], age

    async def _recorded(
        self, market_id: int, interval_s: int, start: int, end: int
    ) -> list[tuple[int, list[Candle]]]:
        """Return what was recorded in each interval, oldest first, by its start."""
        seconds = next(s for s in (DAY, HOUR, MINUTE) if interval_s % s == 0)
        step = interval_s * MICROSECONDS
        most = (end - start) // (seconds * MICROSECONDS)
        groups: dict[int, list[Candle]] = {}
        for one in await self._snapshots.candles(market_id, seconds, start, end - 1, most):
            groups.setdefault(one.start // step * step, []).append(one)
        return [*groups.items()]

    def _own(self, request: AnyRequest) -> Market | None:
        return find_market(self._view, request.path["slug"], drafts=request.is_admin)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/markets/{slug}/candles",
                handler=self.list_candles,
                access=Access.PUBLIC,
                query=CandlesQuery,
                answer=CandleView,
                shape=Shape.PAGE,
                errors=_ERRORS,
                tells_age=True,
                summary="Show how prices went, interval by interval, oldest first",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/markets/{slug}/ticker",
                handler=self.get_ticker,
                access=Access.PUBLIC,
                answer=TickerView,
                errors=_ERRORS,
                summary="Show a market at a glance: best prices, and the last 24 hours",
                tag="market data",
            ),
        )


def _page(views: list[CandleView]) -> Page[CandleView]:
    return Page(views, len(views), len(views), 0)


def _venue_view(one: VenueCandle) -> CandleView:
    """Return a candle of another platform: what was bid and asked at its end is all it knows."""
    return CandleView(
        iso_millis(one.start),
        price_if_known(one.open),
        price_if_known(one.high),
        price_if_known(one.low),
        price_if_known(one.close),
        quantity_if_known(one.volume),
        None,
        None,
        RangeView(None, None, None, price_if_known(one.best_bid)),
        RangeView(None, None, None, price_if_known(one.best_ask)),
        quantity_if_known(one.open_interest),
    )


def filled_views(
    views: Sequence[CandleView], interval_s: int, start: int, end: int
) -> list[CandleView]:
    """Return a candle for each interval of [start, end), from the first that is known: where there
    is none, one that carries on what the one before ended with; how much was traded isn't known.
    """
    by_time = {view.time: view for view in views}
    found: list[CandleView] = []
    price: str | None = None
    for at in range(start, end, interval_s * MICROSECONDS):
        time = iso_millis(at)
        view = by_time.get(time)
        if view is None and found:
            last = found[-1]
            flat = RangeView(*[last.bid.close] * 4), RangeView(*[last.ask.close] * 4)
            view = CandleView(
                time, price, price, price, price, None, None, None, *flat, last.open_interest
            )
        if view is not None:
            price = view.close or price
            found.append(view)
    return found


def _recorded_view(begin: int, parts: Sequence[Candle]) -> CandleView:
    """Return what was recorded in one interval of another platform's market, oldest part first."""
    last = parts[-1]
    return CandleView(
        iso_millis(begin),
        price_if_known(next((one.open for one in parts if one.open is not None), None)),
        price_if_known(max((one.high for one in parts if one.high is not None), default=None)),
        price_if_known(min((one.low for one in parts if one.low is not None), default=None)),
        price_if_known(next((one.close for one in reversed(parts) if one.close is not None), None)),
        None,
        None,
        None,
        RangeView(None, None, None, price_if_known(last.best_bid)),
        RangeView(None, None, None, price_if_known(last.best_ask)),
        quantity_if_known(last.open_interest),
    )
