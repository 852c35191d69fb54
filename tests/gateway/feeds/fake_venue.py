"""A venue in memory: it lists what a test puts into it, and fails where a test says so."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from gateway.feeds.model import (
    ListedStatus,
    MarketsPage,
    PricePoint,
    VenueBook,
    VenueCandle,
    VenueEvent,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.venue import VenueRefused, VenueStream

QUESTIONS = (
    "Will {} win the election in {}?",
    "Will it rain in {} on day {}?",
    "Will {} reach the final of {}?",
    "Does {} publish its report before {}?",
)
PLACES = ("Lisbon", "Zürich", "Ottawa", "Nairobi", "Osaka", "Lima", "Quito", "Tromsø", "Perth")


def market(number: int = 1, **changes: Any) -> VenueMarket:
    """A market; what a test doesn't set is made of its number."""
    place = PLACES[number % len(PLACES)]
    fields: dict[str, Any] = {
        "platform": "fake",
        "external_id": f"M{number}",
        "question": QUESTIONS[number % len(QUESTIONS)].format(place, number),
        "slug": f"market-{number}",
        "description": f"Resolves by the official word of {place}. " * 5,
        "category": ("Politics", "Weather", "Sports")[number % 3],
        "tags": (place.lower(),),
        "event_id": f"E{number // 10}",
        "event_title": f"Event {number // 10}",
        "status": ListedStatus.OPEN,
        "created_at": 1_700_000_000_000_000 + number,
        "close_time": 4_000_000_000_000_000 + number,
        "yes_price": 1 + number % 9_998,
        "best_bid": 1 + number % 9_900,
        "best_ask": 51 + number % 9_900,
        "volume_24h": Decimal(number % 977),
        "volume_total": Decimal(number % 9_973) + Decimal("0.25"),
        "liquidity": Decimal(number % 331),
        "currency": "USD",
    }
    return VenueMarket(**(fields | changes))


class FakeVenue:
    """Lists its markets in pages, by number."""

    title = "Fake"
    currency = "USD"

    def __init__(
        self,
        markets: Iterable[VenueMarket] = (),
        *,
        platform: str = "fake",
        page: int = 500,
        raw: bytes = b'{"of":"the venue"}',
    ) -> None:
        self.platform = platform
        self.listed = {one.external_id: one for one in markets}
        self.events: list[VenueEvent] = []
        self.refused: tuple[tuple[str, str], ...] = ()
        self.books: dict[str, VenueBook] = {}
        self.prints: dict[str, list[VenueTrade]] = {}
        self.points: list[PricePoint] = []
        self.intervals: list[VenueCandle] | None = None
        self.page = page
        self.raw = raw
        self.failure: Exception | None = None
        self.asked: list[tuple[str, Any]] = []
        self.next_cursor: Callable[[int], str | None] | None = None
        self.hold: asyncio.Event | None = None

    async def _asked(self, what: str, of: Any) -> None:
        self.asked.append((what, of))
        if self.hold is not None:
            await self.hold.wait()
        if self.failure is not None:
            raise self.failure

    def _page(self, found: Sequence[VenueMarket], cursor: str | None) -> MarketsPage:
        return MarketsPage(
            markets=tuple(found),
            events=tuple(self.events),
            raw=(self.raw,) * len(found),
            refused=self.refused,
            next_cursor=cursor,
        )

    async def markets(self, cursor: str | None, *, live_only: bool) -> MarketsPage:
        await self._asked("markets", cursor)
        start = int(cursor or 0)
        found = list(self.listed.values())[start : start + self.page]
        end = start + self.page
        following = str(end) if end < len(self.listed) else None
        if self.next_cursor is not None:
            following = self.next_cursor(end)
        return self._page(found, following)

    async def some_markets(self, external_ids: Sequence[str]) -> MarketsPage:
        await self._asked("some_markets", list(external_ids))
        return self._page([self.listed[name] for name in external_ids if name in self.listed], None)

    async def book(self, market: VenueMarket) -> VenueBook:
        await self._asked("book", market.external_id)
        if market.external_id not in self.books:
            raise VenueRefused(self.platform, 404, "no book")
        return self.books[market.external_id]

    async def trades(self, market: VenueMarket, limit: int) -> Sequence[VenueTrade]:
        await self._asked("trades", market.external_id)
        return self.prints.get(market.external_id, [])[:limit]

    async def history(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        await self._asked("history", market.external_id)
        return [point for point in self.points if start <= point.at <= end]

    async def candles(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[VenueCandle] | None:
        if self.intervals is None:
            return None
        await self._asked("candles", market.external_id)
        return self.intervals

    def stream(self) -> VenueStream | None:
        return None
