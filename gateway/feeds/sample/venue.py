"""The sample venue: its questions, its answers, its stream.

Laws: it asks nobody and knows no more than the time. What it shows is `market.py`'s.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from gateway.feeds.model import (
    MarketsPage,
    PricePoint,
    VenueBook,
    VenueCandle,
    VenueEvent,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.sample.market import PLATFORM, STEP_S, Question, SampleMarket
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    Printed,
    StreamEvent,
    Venue,
    VenueRefused,
    VenueStream,
    VenueTools,
)
from persistence.clock import MICROSECONDS

_PAGE: Final = 20
_POINTS_MAX: Final = 5_000
_HOUR: Final = 3_600
_RACE: Final = ("lighthouses", "Which of the lighthouses shines longest tonight?")

_TEXTS: Final = (
    ("Weather", "Will it rain on the old harbour before the hour is out?", 1),
    ("Weather", "Will fog close the northern pass today?", 6),
    ("Weather", "Will the lake be frozen on Sunday?", 24),
    ("Sports", "Will the Rowers win the river race?", 2),
    ("Sports", "Will the chess club's match end in a draw?", 3),
    ("Sports", "Will the marathon record fall this season?", 48),
    ("Politics", "Will the council approve the new tramline?", 12),
    ("Politics", "Will the mayor of Fennmouth stand again?", 72),
    ("Politics", "Will the bridge toll be abolished?", 24),
    ("Economy", "Will bread cost more than three crowns?", 8),
    ("Economy", "Will the port handle a thousand ships this month?", 96),
    ("Economy", "Will the mill's shares close higher?", 4),
    ("Science", "Will the comet be seen with the naked eye?", 36),
    ("Science", "Will the probe answer before dawn?", 5),
    ("Science", "Will the new telescope see first light this week?", 60),
    ("Culture", "Will the opera sell out?", 7),
    ("Culture", "Will the museum's clock strike thirteen?", 1),
    ("Culture", "Will the festival have more visitors than last year?", 30),
)
_LIGHTHOUSES: Final = ("North Rock", "Gull Island", "Pier Head", "Old Tower")


def questions() -> tuple[Question, ...]:
    """Return what is asked."""
    asked = [
        Question(number, category, text, hours * _HOUR)
        for number, (category, text, hours) in enumerate(_TEXTS, start=1)
    ]
    asked += [
        Question(
            len(_TEXTS) + number,
            "Culture",
            f"Will {name} shine longest tonight?",
            6 * _HOUR,
            ("lighthouses",),
            _RACE,
        )
        for number, name in enumerate(_LIGHTHOUSES, start=1)
    ]
    return tuple(asked)


class SampleVenue:
    """A venue of invented markets."""

    platform = PLATFORM
    title = "Sample venue"
    currency = "SAMPLE"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Show the markets of the clock's time, in seconds since the epoch."""
        self._clock = clock
        self._questions = {question.number: question for question in questions()}

    async def markets(self, cursor: str | None, *, live_only: bool) -> MarketsPage:
        """Return a page of the list: the rounds that go on, and the last ones, unless live only."""
        now, start = self._clock(), int(cursor or 0)
        rounds = [SampleMarket(q, q.round_at(now)) for q in self._questions.values()]
        if not live_only:
            rounds += [SampleMarket(one.question, one.round_no - 1) for one in rounds]
        end = start + _PAGE
        event = VenueEvent(
            platform=PLATFORM,
            external_id=_RACE[0],
            title=f"[Sample] {_RACE[1]}",
            slug="sample-lighthouses",
            description="Sample data, invented for a demonstration.",
            category="Culture",
            tags=("sample",),
        )
        return self._page(
            [one.market(now) for one in rounds[start:end]],
            events=() if start else (event,),
            next_cursor=str(end) if end < len(rounds) else None,
        )

    async def some_markets(self, external_ids: Sequence[str]) -> MarketsPage:
        """Return these as they are now."""
        now = self._clock()
        found = [self._find(name, now) for name in external_ids]
        return self._page([one.market(now) for one in found if one is not None])

    async def book(self, market: VenueMarket) -> VenueBook:
        """Return the market's book."""
        return self._of(market).book(self._clock())

    async def trades(self, market: VenueMarket, limit: int) -> Sequence[VenueTrade]:
        """Return the newest prints, newest first."""
        return self._of(market).trades(self._clock(), min(limit, _POINTS_MAX))

    async def history(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        """Return what YES was worth, oldest first."""
        begin, until = self._span(start, end, interval_s)
        return self._of(market).history(begin, until, interval_s)

    async def candles(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[VenueCandle]:
        """Return the market's candles, oldest first."""
        begin, until = self._span(start, end, interval_s)
        return self._of(market).candles(begin, until, interval_s)

    def stream(self) -> VenueStream:
        """Return a stream of what is watched."""
        return SampleStream(self._of, self._clock)

    def _span(self, start: int, end: int, interval_s: int) -> tuple[float, float]:
        """Return a span in seconds that holds no more points than are given at once."""
        until = min(end / MICROSECONDS, self._clock())
        return max(start / MICROSECONDS, until - _POINTS_MAX * interval_s), until

    def _of(self, market: VenueMarket) -> SampleMarket:
        found = self._find(market.external_id, self._clock())
        if found is None:
            raise VenueRefused(PLATFORM, 404, "there is no such market")
        return found

    def _find(self, external_id: str, now: float) -> SampleMarket | None:
        number, _, round_no = external_id.partition("-")
        if not (number.isdecimal() and round_no.isdecimal()) or len(external_id) > 20:  # noqa: PLR2004
            return None
        question = self._questions.get(int(number))
        if question is None or not 0 < int(round_no) <= question.round_at(now):
            return None
        found = SampleMarket(question, int(round_no))
        return found if found.external_id == external_id else None

    @staticmethod
    def _page(
        markets: Sequence[VenueMarket],
        events: tuple[VenueEvent, ...] = (),
        next_cursor: str | None = None,
    ) -> MarketsPage:
        raw = tuple(
            b'{"sample":true,"id":"%s"}' % market.external_id.encode() for market in markets
        )
        return MarketsPage(markets=tuple(markets), events=events, raw=raw, next_cursor=next_cursor)


class SampleStream:
    """What happens to watched sample markets, looked at in every step of their time."""

    def __init__(
        self, find: Callable[[VenueMarket], SampleMarket], clock: Callable[[], float]
    ) -> None:
        self._find = find
        self._clock = clock
        self._watched: dict[str, SampleMarket] = {}
        self._shown: dict[str, VenueBook] = {}
        self._wake = asyncio.Event()

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield what happens until cancelled."""
        while True:
            self._wake.clear()
            for market in list(self._watched.values()):
                for event in self._step(market):
                    yield event
            rest_s = STEP_S - self._clock() % STEP_S
            try:
                async with asyncio.timeout(rest_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def watch(self, markets: Collection[VenueMarket]) -> None:
        """Watch these too."""
        for market in markets:
            self._watched[market.external_id] = self._find(market)
        self._wake.set()

    async def unwatch(self, external_ids: Collection[str]) -> None:
        """Watch these no longer."""
        for name in external_ids:
            self._watched.pop(name, None)
            self._shown.pop(name, None)

    def _step(self, market: SampleMarket) -> Iterator[StreamEvent]:
        now = self._clock()
        book, before = market.book(now), self._shown.get(market.external_id)
        self._shown[market.external_id] = book
        if before is None:
            yield BookSnapshot(book)
        elif before.venue_seq != book.venue_seq:
            yield BookChange(
                market.external_id,
                _changes(before.bids, book.bids),
                _changes(before.asks, book.asks),
                book.venue_seq,
                book.venue_at,
            )
            if book.bids:
                yield Printed(market.trade(int(now // STEP_S)))


def _changes(
    before: tuple[tuple[int, int], ...], after: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    old, new = dict(before), dict(after)
    gone = [(price, 0) for price in old if price not in new]
    return (*gone, *((price, size) for price, size in after if old.get(price) != size))


@asynccontextmanager
async def open_sample(_tools: VenueTools) -> AsyncIterator[Venue]:
    """Yield the sample venue."""
    yield SampleVenue()
