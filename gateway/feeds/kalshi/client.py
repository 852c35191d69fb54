"""Kalshi as a venue of the feed: trade-api v2 over HTTP, and its socket.

Laws: the list is that of events with their markets, page by page by the venue's cursors; a cursor
that was seen before in the same walk ends it, counted as `cursor_loop`. Combos (markets made of
legs of others, made on demand by the hundred thousand, nearly all without a quote) aren't in that
list; one is found by its ticker. What has no form here is counted by its reason and said once.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeVar
from weakref import WeakSet

import msgspec

from gateway.feeds.kalshi import candles as intervals
from gateway.feeds.kalshi import pages
from gateway.feeds.kalshi.answers import EventAnswer, SeriesAnswer, StatusAnswer
from gateway.feeds.kalshi.catalogue import Catalogue
from gateway.feeds.kalshi.markets import CURRENCY, PLATFORM
from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.kalshi.sessions import LOGIN, Anonymous, session_of
from gateway.feeds.kalshi.settings import KalshiSettings
from gateway.feeds.kalshi.socket.stream import KalshiStream
from gateway.feeds.model import (
    ListedStatus,
    MarketsPage,
    PricePoint,
    VenueBook,
    VenueCandle,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.upstream.bounds import MEBIBYTE, Bounds, Rate
from gateway.feeds.upstream.client import Pairs, Upstream
from gateway.feeds.upstream.reconnecting import SocketBounds
from gateway.feeds.upstream.settings import UpstreamSettings
from gateway.feeds.venue import Condition, Venue, VenueRefused, VenueTools, VenueUnavailable
from gateway.jobs.supervisor import Clock, LoopClock
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics

T = TypeVar("T")

MARKETS: Final = "/markets"
EVENTS: Final = "/events"
EVENT: Final = "/events/{event_ticker}"
SERIES: Final = "/series"
BOOK: Final = "/markets/{ticker}/orderbook"
TRADES: Final = "/markets/trades"
CANDLES: Final = "/markets/candlesticks"
STATUS: Final = "/exchange/status"
ENDPOINTS: Final = (MARKETS, EVENTS, EVENT, SERIES, BOOK, TRADES, CANDLES, STATUS)

RATE: Final = Rate(per_minute=600, burst=10)
"""The venue's lowest tier takes 20 reads a second."""
LOGIN_RATE: Final = Rate(per_minute=6, burst=2)
BODY_BYTES: Final = 32 * MEBIBYTE
"""All series, some 13 000, are 8 MB and more."""

EVENTS_A_PAGE: Final = 100
TICKERS_AT_ONCE: Final = 50
TRADES_A_PAGE: Final = 1_000
TRADES_MAX: Final = 10_000
CANDLES_A_PAGE: Final = 5_000
CANDLES_MAX: Final = 20_000
CURSORS_MAX: Final = 10_000
"""No walk has more pages."""
STATUS_KEPT_S: Final = 60.0
_MICROSECONDS: Final = 1_000_000
_UNAUTHORIZED: Final = 401
_TICKER: Final = re.compile(r"[A-Za-z0-9._-]{1,255}", re.ASCII)
_TRADING: Final = StatusAnswer(exchange_active=True, trading_active=True)


class Kalshi:
    """Asks Kalshi."""

    platform: str = PLATFORM
    title: str = "Kalshi"
    currency: str = CURRENCY

    def __init__(
        self,
        settings: KalshiSettings,
        metrics: Metrics,
        logger: Logger,
        *,
        bounds: Bounds | None = None,
        socket_bounds: SocketBounds | None = None,
        rate: Rate = RATE,
        login_rate: Rate = LOGIN_RATE,
        clock: Clock | None = None,
    ) -> None:
        """Ask nothing yet."""
        bounds = bounds or Bounds(body_bytes=BODY_BYTES)
        self._settings = settings
        self._metrics = metrics
        self._logger = logger
        self._clock = clock = clock or LoopClock()
        self._login = Upstream(
            PLATFORM, settings.api_url, (LOGIN,), login_rate, metrics.upstream, logger,
            bounds=bounds, clock=clock,
        )  # fmt: skip
        self._session = session_of(settings, self._login, PLATFORM, clock)
        self._upstream = Upstream(
            PLATFORM, settings.api_url, ENDPOINTS, rate, metrics.upstream, logger,
            bounds=bounds, sign=self._session.headers, clock=clock,
        )  # fmt: skip
        self._catalogue = Catalogue(self._all_series, self._one_event, clock)
        self._walks: dict[bool, set[str]] = {}
        self._said: set[str] = set()
        self._status: StatusAnswer | None = None
        self._status_until = 0.0
        self._socket_bounds = socket_bounds
        self._streams: WeakSet[KalshiStream] = WeakSet()
        self.forms = NumberForms()
        """How often the venue's two number forms agreed."""

    async def markets(self, cursor: str | None, *, live_only: bool) -> MarketsPage:
        """Return a page of events with their markets, from the beginning for None."""
        series = await self._catalogue.series()
        query = [("limit", str(EVENTS_A_PAGE)), ("with_nested_markets", "true")]
        if live_only:
            query.append(("status", "open"))
        if cursor is not None:
            query.append(("cursor", cursor))
        parse = partial(pages.events_page, series=series, live_only=live_only)
        page = await self._ask(EVENTS, parse, query=query)
        self._catalogue.learn(page.known)
        following, looped = self._next(live_only, cursor, page.cursor)
        refused = page.listed.refused + looped
        self._count(refused, page.listed.forms, page.unread)
        return MarketsPage(
            markets=await self._as_traded(page.listed.markets),
            events=page.events,
            raw=page.listed.raw,
            refused=refused,
            unread=page.unread,
            next_cursor=following,
        )

    async def some_markets(self, external_ids: Sequence[str]) -> MarketsPage:
        """Return these as they are now, combos too, as many as the venue has."""
        await self._catalogue.series()
        known = [ticker for ticker in dict.fromkeys(external_ids) if _TICKER.fullmatch(ticker)]
        found: list[VenueMarket] = []
        raws: list[bytes] = []
        wrong: list[tuple[str, str]] = []
        unread: list[tuple[str, str]] = []
        for begin in range(0, len(known), TICKERS_AT_ONCE):
            tickers = known[begin : begin + TICKERS_AT_ONCE]
            query = [("tickers", ",".join(tickers)), ("limit", str(TICKERS_AT_ONCE))]
            rows = await self._ask(MARKETS, pages.markets_page, query=query)
            await self._catalogue.need(answer for answer, _ in rows.found)
            listed = await asyncio.to_thread(
                pages.listed, rows.found, self._catalogue.background, rows.refused
            )
            self._count(listed.refused, listed.forms, rows.unread)
            found += listed.markets
            raws += listed.raw
            wrong += listed.refused
            unread += rows.unread
        return MarketsPage(
            markets=await self._as_traded(found),
            raw=tuple(raws),
            refused=tuple(wrong),
            unread=tuple(unread),
        )

    async def book(self, market: VenueMarket) -> VenueBook:
        """Return the market's book, all of it."""
        ticker = market.external_id
        found, forms = await self._ask(
            BOOK, partial(pages.book, ticker=ticker), path={"ticker": ticker}
        )
        self._count((), forms)
        return found

    async def trades(self, market: VenueMarket, limit: int) -> Sequence[VenueTrade]:
        """Return the newest prints, newest first, at most 10 000."""
        left = min(limit, TRADES_MAX)
        found: list[VenueTrade] = []
        cursor: str | None = None
        seen: set[str] = set()
        while left > 0:
            query = [("ticker", market.external_id), ("limit", str(min(left, TRADES_A_PAGE)))]
            if cursor is not None:
                query.append(("cursor", cursor))
            page = await self._ask(TRADES, pages.trades, query=query)
            self._count(page.refused, page.forms)
            # The venue may ignore the ticker it is asked for; others' prints aren't this market's.
            found += [one for one in page.trades if one.external_id == market.external_id]
            left -= max(len(page.trades) + len(page.refused), 1)
            cursor = page.cursor
            if cursor is None or cursor in seen:
                self._count((("", "cursor_loop"),) if cursor is not None else (), NumberForms())
                break
            seen.add(cursor)
        return tuple({one.trade_id: one for one in found}.values())[:limit]

    async def history(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        """Return what YES was worth at the end of each interval, oldest first."""
        return intervals.points(await self.candles(market, start, end, interval_s), interval_s)

    async def candles(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[VenueCandle]:
        """Return intervals from `start` to `end`, oldest first, of whole minutes.

        Of more than 20 000 of the venue's own (minutes, hours, days) the newest. Raises ValueError
        for another interval.
        """
        period = intervals.period_of(interval_s)
        last = end // _MICROSECONDS
        first = max(start // _MICROSECONDS, last - CANDLES_MAX * period)
        first -= first % interval_s
        found: dict[int, VenueCandle] = {}
        while first < last:
            until = min(first + CANDLES_A_PAGE * period, last)
            query = [
                ("market_tickers", market.external_id),
                # A candle is named by its end.
                ("start_ts", str(first + 1)),
                ("end_ts", str(until)),
                ("period_interval", str(period // 60)),
            ]
            parse = partial(pages.candlesticks, ticker=market.external_id, period_s=period)
            page = await self._ask(CANDLES, parse, query=query)
            self._count(page.refused, page.forms)
            found |= {one.start: one for one in page.candles}
            first = until
        oldest_first = [found[at] for at in sorted(found)]
        if period == interval_s:
            return tuple(oldest_first)
        return intervals.together(oldest_first, interval_s)

    def stream(self) -> KalshiStream | None:
        """Return a new connection to the venue's socket; None for nobody, whom it doesn't take."""
        if isinstance(self._session, Anonymous):
            return None
        stream = KalshiStream(
            self._settings.ws_url,
            self._session,
            lambda: self._upstream.condition().clock_skew_s,
            self._metrics.upstream,
            self._logger,
            self._clock,
            self._socket_bounds,
        )
        self._streams.add(stream)
        return stream

    def conditions(self) -> Sequence[Condition]:
        """Return how things stand with its addresses: REST, login, each open stream."""
        found = [self._upstream.condition()]
        if self._login.condition().counts:
            found.append(msgspec.structs.replace(self._login.condition(), name="login"))
        return found + [stream.condition() for stream in self._streams if stream.is_open]

    async def close(self) -> None:
        """Close all connections over HTTP; streams end with whoever iterates them."""
        await self._catalogue.close()
        await self._upstream.close()
        await self._login.close()

    async def _ask(
        self,
        endpoint: str,
        parse: Callable[[bytes], T],
        *,
        path: Mapping[str, str] | None = None,
        query: Pairs = (),
    ) -> T:
        """Ask; and ask once more, under a new login or by the venue's clock, after a 401."""
        generation = self._session.generation
        try:
            return await self._upstream.ask(endpoint, parse, path=path, query=query)
        except VenueRefused as refused:
            if refused.status != _UNAUTHORIZED:
                raise
            skew_s = self._upstream.condition().clock_skew_s
            if not await self._session.renew(generation, skew_s):
                raise
        return await self._upstream.ask(endpoint, parse, path=path, query=query)

    async def _all_series(self) -> Mapping[str, SeriesAnswer]:
        found: dict[str, SeriesAnswer] = {}
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            query = [] if cursor is None else [("cursor", cursor)]
            page, refused, cursor = await self._ask(SERIES, pages.series_list, query=query)
            self._count(refused, NumberForms())
            found |= page
            if cursor is None or cursor in seen or len(seen) >= CURSORS_MAX:
                return found
            seen.add(cursor)

    async def _one_event(self, ticker: str) -> EventAnswer:
        return await self._ask(EVENT, pages.event_alone, path={"event_ticker": ticker})

    def _next(
        self, live_only: bool, asked: str | None, cursor: str | None
    ) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """Return where the walk goes on, and what to count if it would go in circles."""
        seen = self._walks.setdefault(live_only, set())
        if asked is None:
            seen.clear()
        else:
            seen.add(asked)
        if cursor is None:
            return None, ()
        if cursor in seen or len(seen) >= CURSORS_MAX:
            return None, (("", "cursor_loop"),)
        return cursor, ()

    async def _as_traded(self, found: Sequence[VenueMarket]) -> tuple[VenueMarket, ...]:
        """Return markets that are open as halted while the whole exchange is."""
        status = await self._exchange_status()
        if status.exchange_active and status.trading_active:
            return tuple(found)
        halted = ListedStatus.HALTED if status.exchange_active else ListedStatus.FULL_HALT
        return tuple(
            msgspec.structs.replace(one, status=halted) if one.status is ListedStatus.OPEN else one
            for one in found
        )

    async def _exchange_status(self) -> StatusAnswer:
        """Return whether the exchange trades, as of the last minute; it does if nobody knows."""
        if self._clock.monotonic() >= self._status_until:
            self._status_until = self._clock.monotonic() + STATUS_KEPT_S
            try:
                self._status = await self._ask(STATUS, pages.status)
            except (VenueUnavailable, VenueRefused):
                self._status = None
        return self._status or _TRADING

    def _count(
        self,
        refused: Sequence[tuple[str, str]],
        forms: NumberForms,
        unread: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Count what has no form here, and say each reason once."""
        self.forms.add(forms)
        reasons = list(refused) + [(ticker, "unread_field") for ticker, _ in unread]
        if forms.different:
            reasons.append(("", "number_forms_differ"))
        for ticker, reason in reasons:
            self._metrics.upstream.unrepresentable.labels(PLATFORM, reason).inc()
            if reason not in self._said:
                self._said.add(reason)
                self._logger.warning(
                    "venue's object has no form here", platform=PLATFORM, why=reason, id=ticker
                )


@asynccontextmanager
async def open_kalshi(tools: VenueTools) -> AsyncIterator[Venue]:
    """Yield Kalshi, as its settings say; its connections are closed with the block."""
    bounds = tools.settings(UpstreamSettings).bounds(Bounds(body_bytes=BODY_BYTES))
    settings = tools.settings(KalshiSettings)
    client = Kalshi(settings, tools.metrics, tools.logger, bounds=bounds)
    try:
        yield client
    finally:
        await client.close()
