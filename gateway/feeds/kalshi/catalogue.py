"""What is remembered of Kalshi's events and series, since a market's own answer names neither its
category nor its fees.

Laws: bounded; all series are asked for at once and again every hour, an event when a market of an
unknown one comes (the list of events brings most of them); what was known stays when the venue is
away, what was never known is asked for until it is there: a market shown without its fees now and
with them later would be two truths. All series are megabytes, which take longer than a reader
waits: they go on loading whoever gives up, and a reader makes do with those of an hour ago.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import Context
from typing import Final

from gateway.feeds.kalshi.answers import EventAnswer, MarketAnswer, SeriesAnswer
from gateway.feeds.kalshi.markets import Background
from gateway.feeds.upstream.askers import is_for_a_reader
from gateway.feeds.venue import VenueRefused, VenueUnavailable
from gateway.jobs.supervisor import Clock

SERIES_KEPT_S: Final = 3_600.0
RETRY_S: Final = 60.0
EVENTS_MAX: Final = 50_000
AT_ONCE: Final = 4
"""Events asked for side by side."""

AllSeries = Callable[[], Awaitable[Mapping[str, SeriesAnswer]]]
OneEvent = Callable[[str], Awaitable[EventAnswer]]


class Catalogue:
    """Events and series by their tickers."""

    def __init__(self, all_series: AllSeries, one_event: OneEvent, clock: Clock) -> None:
        """Know nothing; the two ask the venue."""
        self._all_series = all_series
        self._one_event = one_event
        self._clock = clock
        self._loading: asyncio.Task[None] | None = None
        self._series: Mapping[str, SeriesAnswer] = {}
        self._until: float | None = None
        self._events: OrderedDict[str, EventAnswer | None] = OrderedDict()

    async def series(self) -> Mapping[str, SeriesAnswer]:
        """Return all series; raises VenueUnavailable and VenueRefused if none were ever known."""
        if self._is_old():
            loading = self._begin()
            if self._until is None or not is_for_a_reader():
                await asyncio.shield(loading)
        return self._series

    async def close(self) -> None:
        """End what is under way."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)

    def learn(self, events: Iterable[EventAnswer]) -> None:
        """Remember events."""
        for event in events:
            self._keep(event.event_ticker, event)

    async def need(self, markets: Iterable[MarketAnswer]) -> None:
        """Get to know the events of these markets; raises VenueUnavailable and VenueRefused.

        A combo's event says nothing that its market doesn't, so it isn't asked for.
        """
        missing = {
            market.event_ticker
            for market in markets
            if market.event_ticker
            and not market.mve_collection_ticker
            and market.event_ticker not in self._events
        }
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(ticker: str) -> None:
            async with turns:
                try:
                    self._keep(ticker, await self._one_event(ticker))
                except VenueRefused as refused:
                    if refused.status != 404:  # noqa: PLR2004 - it has no such event
                        raise
                    self._keep(ticker, None)

        asked = (ask(ticker) for ticker in sorted(missing))
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            if outcome is not None:
                raise outcome

    def background(self, market: MarketAnswer) -> Background:
        """Return what is known of a market's event and series."""
        event = self._events.get(market.event_ticker)
        # A combo's event isn't known, but its ticker begins with its series'.
        ticker = event.series_ticker if event else market.event_ticker.partition("-")[0]
        return Background(event, self._series.get(ticker))

    def _is_old(self) -> bool:
        return self._until is None or self._clock.monotonic() >= self._until

    def _begin(self) -> asyncio.Task[None]:
        """Return the loading that is under way, or a new one, which is nobody's in particular."""
        if self._loading is None:
            self._loading = asyncio.create_task(
                self._load(), name="series of kalshi", context=Context()
            )
            self._loading.add_done_callback(self._ended)
        return self._loading

    def _ended(self, loading: asyncio.Task[None]) -> None:
        self._loading = None
        if not loading.cancelled():
            # Whoever waits is told; perhaps nobody does any more.
            loading.exception()

    async def _load(self) -> None:
        try:
            self._series = await self._all_series()
        except (VenueUnavailable, VenueRefused):
            if self._until is None:
                raise
            self._until = self._clock.monotonic() + RETRY_S
            return
        self._until = self._clock.monotonic() + SERIES_KEPT_S

    def _keep(self, ticker: str, event: EventAnswer | None) -> None:
        self._events[ticker] = event
        self._events.move_to_end(ticker)
        while len(self._events) > EVENTS_MAX:
            self._events.popitem(last=False)
