"""The feed of other venues' markets, put together.

Laws: every process that reads or works has the venues' clients, since whoever is asked for a book
asks the venue; which venues there are is `feeds/registry.py`'s, and which of them are asked the
settings'.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import msgspec

from gateway.bootstrap import turns
from gateway.bootstrap.settings import Settings
from gateway.economy.leaderboards.sorted_sets import SortedSets, open_sorted_sets
from gateway.economy.mirrors.figures import MirrorMetrics
from gateway.engine_side.running import EngineSide
from gateway.feeds.api.feed_routes import FeedRoutes
from gateway.feeds.api.lists import MarketLists
from gateway.feeds.api.live_routes import LiveRoutes
from gateway.feeds.api.market_routes import FeedMarketRoutes
from gateway.feeds.api.own import OwnMarkets
from gateway.feeds.api.past_routes import PastRoutes
from gateway.feeds.api.reading import POLICIES, FeedReader
from gateway.feeds.api.snapshot_routes import SnapshotRoutes
from gateway.feeds.cache import Cache, SharedRedis, open_cache
from gateway.feeds.intake.backfill import Backfill
from gateway.feeds.intake.catalogue import Catalogue
from gateway.feeds.intake.ingestion import Ingestion
from gateway.feeds.intake.jobs import FeedJobs
from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.prices import Prices
from gateway.feeds.intake.resolutions import Resolutions
from gateway.feeds.intake.retention import FeedHousekeeping
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.intake.snapshots import SnapshotPoller
from gateway.feeds.live.following import Following
from gateway.feeds.live.recorder import Recorder
from gateway.feeds.live.watched import WatchedMarkets
from gateway.feeds.mirrored import Mirrored
from gateway.feeds.model import Unrepresentable
from gateway.feeds.registry import chosen, open_venues
from gateway.feeds.sample.market import PLATFORM as SAMPLE
from gateway.feeds.venue import Venue, VenueRefused, VenueTools, VenueUnavailable
from gateway.feeds.watches import Watches
from gateway.http.settings import PageLimits
from gateway.markets.candles import OwnCandles
from gateway.markets.outcome_names import OutcomeNames
from gateway.markets.routes import MarketRoutes
from gateway.markets.tickers import Tickers
from gateway.markets.volumes import MarketVolumes
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.settings.reader import Area
from persistence.postgres.database import DeadlinePool
from persistence.relay.looks import identity_of
from persistence.repositories.audit import AuditLog
from persistence.repositories.feeds.backfills import Backfills
from persistence.repositories.feeds.events import VenueEvents
from persistence.repositories.feeds.markets import VenueMarkets
from persistence.repositories.feeds.retention import FeedRetention
from persistence.repositories.feeds.snapshots import HOUR, MINUTE, Snapshots
from persistence.repositories.feeds.state import FeedState
from persistence.repositories.feeds.words import SearchWords
from persistence.repositories.jobs import JobRows
from persistence.repositories.market_outcomes import MarketOutcomes

_PROBE_S: Final = 5.0
"""So long a demonstration waits for a venue."""


AnyPlatformRoutes = FeedMarketRoutes | LiveRoutes | PastRoutes | SnapshotRoutes | FeedRoutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """What knows other venues."""

    venues: Mapping[str, Venue]
    cache: Cache
    catalogue: Catalogue
    markets: VenueMarkets
    events: VenueEvents
    words: SearchWords
    snapshots: Snapshots
    state: FeedState
    jobs: FeedJobs
    reader: FeedReader
    following: Following
    watched: WatchedMarkets
    mirrored: Mirrored
    outcomes: MarketOutcomes
    """What those of our markets are called."""
    mirror_metrics: MirrorMetrics
    sorted_sets: SortedSets | None = None
    """Of the Redis that the cache is in, for the leaderboards."""


def make_feeds(
    settings: Settings,
    pool: DeadlinePool,
    venues: Mapping[str, Venue],
    cache: Cache,
    metrics: Metrics,
    logger: Logger,
) -> Feeds:
    """Return the feed over the database behind `pool`."""
    markets, events, words = VenueMarkets(pool), VenueEvents(pool), SearchWords(pool)
    snapshots, state = Snapshots(pool), FeedState(pool)
    catalogue = Catalogue(markets, events, words, metrics.catalogue, logger)
    rounds, feeds = Rounds(venues, state, logger), settings.feeds
    missing = Missing(state, feeds.missing_after)
    poller = SnapshotPoller(
        rounds,
        markets,
        snapshots,
        state,
        missing,
        logger,
        limit=feeds.snapshot_markets,
        kept_s=feeds.snapshots_kept,
        candles_kept_s={MINUTE: feeds.candles_kept, HOUR: feeds.hour_candles_kept},
    )
    # What is older would go with the next month that goes.
    back_s = min(feeds.snapshots_back, feeds.snapshots_kept)
    jobs = FeedJobs(
        feeds,
        Ingestion(rounds, catalogue, markets, feeds.ingest_limit),
        Prices(rounds, catalogue, markets, missing, feeds.price_markets),
        Resolutions(rounds, catalogue, markets, missing, metrics.catalogue),
        poller,
        Backfill(rounds, Backfills(pool, snapshots), snapshots, back_s=back_s),
        FeedHousekeeping(FeedRetention(pool), missing, logger, kept_s=feeds.ended_kept),
        JobRows(pool),
    )
    reader = FeedReader(venues, markets, catalogue, cache)
    following = Following(
        reader,
        Recorder(snapshots, logger),
        limit=feeds.followed_markets,
        interval_s=feeds.stream_interval_ms / 1_000,
    )
    following.watch(metrics.upstream)
    watched = WatchedMarkets(
        following, state, noted=feeds.snapshot_markets, followed=feeds.followed_watchlists
    )
    return Feeds(
        venues=venues,
        cache=cache,
        catalogue=catalogue,
        markets=markets,
        events=events,
        words=words,
        snapshots=snapshots,
        state=state,
        jobs=jobs,
        reader=reader,
        following=following,
        watched=watched,
        mirrored=Mirrored(OutcomeNames()),
        outcomes=MarketOutcomes(pool),
        mirror_metrics=MirrorMetrics(metrics.registry),
    )


@asynccontextmanager
async def open_feeds(
    settings: Settings,
    pool: DeadlinePool,
    metrics: Metrics,
    logger: Logger,
    *,
    secret: bytes | None = None,
) -> AsyncIterator[Feeds]:
    """Yield the feed of the venues that are set; raises SettingsError for one that isn't there.

    What readers ask for is remembered in Redis, if there is one, by processes that have the
    exchange's `secret`: a worker, which nobody reads from, needs none.
    """
    # What is parsed in threads would keep orders waiting otherwise.
    turns.settle()
    shared = None
    if secret is not None and settings.store.redis_url is not None:
        shared = SharedRedis(
            url=settings.store.redis_url, identity=await identity_of(pool), secret=secret
        )
    tools = VenueTools(_areas(settings), metrics, logger)
    entries = chosen(settings.feeds.platforms)
    cached = open_cache(POLICIES, shared, metrics.cache, logger)
    sets = open_sorted_sets(shared)
    async with open_venues(entries, tools) as venues, cached as cache, sets as sorted_sets:
        feeds = make_feeds(settings, pool, venues, cache, metrics, logger)
        yield replace(feeds, sorted_sets=sorted_sets)


def feed_routes(
    feeds: Feeds,
    engine: EngineSide,
    ours: MarketRoutes,
    candles: OwnCandles,
    tickers: Tickers,
    volumes: MarketVolumes,
    audit: AuditLog,
    pages: PageLimits,
    logger: Logger,
) -> tuple[AnyPlatformRoutes, ...]:
    """Return what has the rows about markets of any platform."""
    view = engine.view
    reader = feeds.reader
    lists = MarketLists(OwnMarkets(view, volumes, feeds.mirrored), reader, feeds.words, Random())  # noqa: S311 - a market to look at
    return (
        FeedMarketRoutes(view, ours, lists, reader, volumes, feeds.mirrored, pages),
        LiveRoutes(
            view,
            ours,
            engine.history,
            engine.feed,
            reader,
            feeds.snapshots,
            Watches(feeds.state, logger),
            feeds.following,
            volumes,
            feeds.mirrored,
            pages,
        ),
        PastRoutes(view, candles, tickers, reader, feeds.following, feeds.snapshots),
        SnapshotRoutes(view, reader, feeds.snapshots, pages),
        FeedRoutes(reader, feeds.events, feeds.state, feeds.jobs, audit, pages),
    )


async def demo_settings(settings: Settings, logger: Logger) -> Settings:
    """Return the settings of a demonstration: with accounts for trying out, leaderboards that move,
    and the sample venue where no real one answers.

    What is set of the venues is what is meant: nobody is asked then.
    """
    demo = msgspec.structs.replace(settings.demo, accounts=True)
    economy = msgspec.structs.replace(settings.economy, leaderboard_minutes=1)
    settings = msgspec.structs.replace(settings, demo=demo, economy=economy)
    if settings.feeds.platforms is not None:
        return settings
    tools = VenueTools(_areas(settings), Metrics(), logger)
    async with open_venues(chosen(None), tools) as venues:
        if any(await asyncio.gather(*(_answers(venue) for venue in venues.values()))):
            return settings
    logger.warning("no venue answers: the feed shows sample markets", platform=SAMPLE)
    feeds = msgspec.structs.replace(settings.feeds, platforms=(SAMPLE,))
    return msgspec.structs.replace(settings, feeds=feeds)


async def _answers(venue: Venue) -> bool:
    try:
        async with asyncio.timeout(_PROBE_S):
            await venue.markets(None, live_only=True)
    except (VenueUnavailable, VenueRefused, Unrepresentable, TimeoutError):
        return False
    return True


def _areas(settings: Settings) -> list[Area]:
    return [area for area in msgspec.structs.astuple(settings) if isinstance(area, Area)]
