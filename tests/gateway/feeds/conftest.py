"""A catalogue over a real database."""

import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import pytest

from gateway.feeds.intake.catalogue import Catalogue
from gateway.feeds.intake.ingestion import Ingestion
from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.prices import Prices
from gateway.feeds.intake.resolutions import Resolutions
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.venue import Venue
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.feeds.events import VenueEvents
from persistence.repositories.feeds.markets import VenueMarkets
from persistence.repositories.feeds.state import FeedState
from persistence.repositories.feeds.words import SearchWords

MISSING_S = 3 * 86_400


@dataclass
class Store:
    """What the jobs are made of, around the venues of a test."""

    pool: DeadlinePool
    metrics: Metrics = field(default_factory=Metrics)
    log: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.logger = configure_logs("info", self.log)
        self.markets = VenueMarkets(self.pool)
        self.events = VenueEvents(self.pool)
        self.words = SearchWords(self.pool)
        self.state = FeedState(self.pool)
        self.missing = Missing(self.state, MISSING_S)
        self.catalogue = Catalogue(
            self.markets, self.events, self.words, self.metrics.catalogue, self.logger
        )

    def rounds(self, venues: Iterable[Venue]) -> Rounds:
        return Rounds({venue.platform: venue for venue in venues}, self.state, self.logger)

    async def ingest(self, *venues: Venue, limit: int = 100_000) -> None:
        await Ingestion(self.rounds(venues), self.catalogue, self.markets, limit).run()

    async def refresh(self, *venues: Venue, limit: int = 500) -> None:
        rounds = self.rounds(venues)
        await Prices(rounds, self.catalogue, self.markets, self.missing, limit).run()

    async def resolve(self, *venues: Venue) -> None:
        rounds, counted = self.rounds(venues), self.metrics.catalogue
        await Resolutions(rounds, self.catalogue, self.markets, self.missing, counted).run()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    pool = await create_pool(database_url, size=4)
    yield Store(pool)
    await pool.close()
