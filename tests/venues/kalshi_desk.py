"""A client of Kalshi and a stand-in that it asks, over loopback."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.feeds.kalshi.client import Kalshi
from gateway.feeds.model import ListedStatus, MarketsPage, VenueMarket
from gateway.feeds.upstream.bounds import Bounds, Rate
from gateway.jobs.supervisor import LoopClock
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.venues import kalshi_samples as samples
from tests.venues.kalshi import KalshiStandIn

QUICK = Bounds(
    connect_s=1.0, read_s=0.3, whole_s=2.0, tries=3, first_wait_s=0.01, longest_wait_s=0.02,
    jitter_s=0.01, all_tries_s=5.0, failures=4, open_s=0.2, open_max_s=0.4,
)  # fmt: skip
PLENTY = Rate(per_minute=60_000, burst=1_000)


class Skipping(LoopClock):
    """A clock that can be put ahead."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped


class Desk:
    """A stand-in and a client that asks it."""

    def __init__(self, venue: KalshiStandIn, **way_in: bool) -> None:
        self.venue = venue
        self.metrics = Metrics()
        self.log = io.StringIO()
        self.logger = configure_logs("info", self.log)
        self.clock = Skipping()
        self.client = Kalshi(
            venue.settings(**way_in),
            self.metrics,
            self.logger,
            bounds=QUICK,
            rate=PLENTY,
            login_rate=PLENTY,
            clock=self.clock,
        )

    async def walk(self, *, live_only: bool = True) -> list[MarketsPage]:
        """Every page, as who ingests them would ask."""
        pages = [await self.client.markets(None, live_only=live_only)]
        while (cursor := pages[-1].next_cursor) is not None:
            pages.append(await self.client.markets(cursor, live_only=live_only))
        return pages

    def unrepresentable(self, reason: str) -> float:
        labels = {"platform": "kalshi", "reason": reason}
        name = "upstream_unrepresentable_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def world(count: int = 5, **over: Any) -> KalshiStandIn:
    """A venue with so many events of one market each."""
    events = [
        samples.event(f"RAIN-{number}", markets=[samples.market(f"RAIN-{number}-NYC")])
        for number in range(count)
    ]
    return KalshiStandIn(events=events, series=[samples.series()], **over)


@asynccontextmanager
async def desk(venue: KalshiStandIn | None = None, **way_in: bool) -> AsyncIterator[Desk]:
    async with (venue or world()).running() as running:
        made = Desk(running, **way_in)
        try:
            yield made
        finally:
            await made.client.close()


def market(ticker: str = "RAIN-0-NYC") -> VenueMarket:
    return VenueMarket(
        platform="kalshi",
        external_id=ticker,
        question="?",
        status=ListedStatus.OPEN,
        currency="USD",
    )


def tickers(pages: list[MarketsPage]) -> list[str]:
    return [one.external_id for page in pages for one in page.markets]
