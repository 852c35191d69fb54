"""A stand-in of Polymarket and a client of it."""

import io
from collections.abc import AsyncIterator

import pytest

from gateway.feeds.model import VenueMarket
from gateway.feeds.polymarket.client import Polymarket
from gateway.feeds.polymarket.settings import PolymarketSettings
from gateway.feeds.upstream.bounds import Bounds
from gateway.feeds.upstream.reconnecting import SocketBounds
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.settings.reader import read_area
from tests.venues.polymarket import (
    PolymarketStandIn,
    condition_id,
    sample_event,
    sample_market,
)

QUICK = Bounds(
    read_s=0.3, whole_s=0.6, tries=3, first_wait_s=0.01, longest_wait_s=0.02, jitter_s=0.01,
    failures=5, open_s=0.2,
)  # fmt: skip
QUICK_SOCKET = SocketBounds(ping_s=0.1, silent_s=0.6, first_pause_s=0.02, longest_pause_s=0.1)


class Desk:
    """The stand-in and a client of it."""

    def __init__(self, venue: PolymarketStandIn) -> None:
        self.venue = venue
        self.log = io.StringIO()
        self.metrics = Metrics()
        self.logger = configure_logs("info", self.log)
        settings, wrong = read_area(PolymarketSettings, venue.environment)
        assert settings is not None, wrong
        self.client = Polymarket(
            settings, self.metrics, self.logger, bounds=QUICK, socket_bounds=QUICK_SOCKET
        )

    def refused(self, reason: str) -> float | None:
        labels = {"platform": "polymarket", "reason": reason}
        return self.metrics.registry.get_sample_value("upstream_unrepresentable_total", labels)

    async def market(self, number: int = 1) -> VenueMarket:
        page = await self.client.some_markets([condition_id(number)])
        return page.markets[0]

    async def all_pages(self, *, live_only: bool = True) -> list[VenueMarket]:
        found: list[VenueMarket] = []
        cursor = None
        while True:
            page = await self.client.markets(cursor, live_only=live_only)
            found += page.markets
            if (cursor := page.next_cursor) is None:
                return found


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with PolymarketStandIn(
        [sample_event(1, [sample_market(1), sample_market(2)])]
    ).running() as venue:
        made = Desk(venue)
        yield made
        await made.client.close()
