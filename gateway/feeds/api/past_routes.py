"""The rows of the route table that tell how one market of any platform went: candles, and the day
behind it.  All are public.

Ours come from the journal, by the projector. Of a venue's market there is what was recorded here of
its prices: when somebody looked, so without volumes.
"""

from collections.abc import Sequence
from typing import Final

from exchange.model.market import Market
from exchange.model.state import State
from gateway.feeds.api.reading import FeedReader
from gateway.feeds.api.views import row_view
from gateway.http.request import AnyRequest, Page, Request, UpTo
from gateway.http.routing import Access, Route, Shape
from gateway.markets.candles import CandlesQuery, CandleView, OwnCandles, RangeView, candle_view
from gateway.markets.lookup import find_market
from gateway.markets.tickers import Tickers, TickerView
from gateway.wire.errors import ExternalApiFailed, NotFound
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
        snapshots: Snapshots,
    ) -> None:
        self._view = view
        self._ours = ours
        self._tickers = tickers
        self._reader = reader
        self._snapshots = snapshots

    async def list_candles(
        self, request: Request[None, CandlesQuery]
    ) -> Page[CandleView] | UpTo[Page[CandleView]]:
        """Return candles, oldest first."""
        query, now = request.query, now_us()
        market = self._own(request)
        if market is not None:
            found, seq = await self._ours.find(market.id, query, now, request.min_seq)
            return UpTo(_page([candle_view(candle) for candle in found]), seq)
        start, end = query.range(now)
        known = await self._reader.named(request.path["slug"])
        recorded = await self._recorded(known.row.id, query.interval.seconds, start, end)
        return _page(recorded)

    async def get_ticker(self, request: Request[None, None]) -> TickerView | UpTo[TickerView]:
        """Return one market at a glance."""
        market = self._own(request)
        if market is not None:
            (shown,), seq = await self._tickers.of([market], request.min_seq)
            return UpTo(shown, seq)
        known = await self._reader.live(await self._reader.named(request.path["slug"]))
        one = row_view(known.row, now_us(), stale=known.stale)
        return TickerView(
            one.id,
            one.slug,
            one.status.value,
            one.best_bid,
            None,
            one.best_ask,
            None,
            one.last_price,
            None,
            None,
            None,
            one.volume24h or None,
            None,
            None,
            one.open_interest,
            None,
            iso_millis(known.row.as_of),
        )

    async def _recorded(
        self, market_id: int, interval_s: int, start: int, end: int
    ) -> list[CandleView]:
        seconds = next(s for s in (DAY, HOUR, MINUTE) if interval_s % s == 0)
        step = interval_s * MICROSECONDS
        most = (end - start) // (seconds * MICROSECONDS)
        groups: dict[int, list[Candle]] = {}
        for one in await self._snapshots.candles(market_id, seconds, start, end - 1, most):
            groups.setdefault(one.start // step * step, []).append(one)
        return [_recorded_view(begin, parts) for begin, parts in groups.items()]

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
