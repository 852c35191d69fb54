"""The parts of a process around a fake engine; what a test doesn't care about does nothing."""

import dataclasses
import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from exchange.projections.candles import Candle
from gateway.access.rate_limits import RateLimits
from gateway.bootstrap.economy import stock_desk
from gateway.bootstrap.feeds import make_feeds
from gateway.bootstrap.identity.api_keys import make_keys
from gateway.bootstrap.identity.people import People
from gateway.bootstrap.identity.second_factor import make_factors
from gateway.bootstrap.identity.ways_in import make_revoking
from gateway.bootstrap.jobs import make_jobs
from gateway.bootstrap.markets import markets_in_view
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.settings import Settings
from gateway.bootstrap.sockets import Hearers
from gateway.engine_side.clock_skew import ClockSkew
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.replays import ReplayPool
from gateway.engine_side.running import EngineSide
from gateway.feeds.api.reading import POLICIES
from gateway.feeds.cache import Cache
from gateway.feeds.known import AllMarkets, MarketCatalogue, OurMarkets
from gateway.feeds.venue import Venue
from gateway.markets.volumes import MarketVolumes
from gateway.observability.logs import Logger, configure_logs
from gateway.observability.metrics import Metrics
from gateway.sealing.seal import Seal
from gateway.trading.desk import Desk, open_order_count
from persistence.journal.segments.segments import Segments
from persistence.repositories.candles import Candles, Day
from persistence.repositories.market_outcomes import Claim, NamedOutcomes

UNUSED = cast("Any", None)


class NoCandles:
    """The candles of markets in which nothing has happened."""

    async def projected(self) -> int:
        return 0

    async def days(self, _market_ids: object, _now: int) -> dict[int, Day]:
        return {}

    async def newest(self, _market_ids: object, _count: int) -> dict[int, list[Candle]]:
        return {}


class OutcomesFake:
    """The names of outcomes, in memory; nobody else lists markets."""

    def __init__(self) -> None:
        self.stored: dict[str, NamedOutcomes] = {}

    async def claim(self, named: NamedOutcomes, _lost_before: int) -> Claim:
        if named.slug in self.stored:
            return Claim.UNDER_WAY
        self.stored[named.slug] = named
        return Claim.STORED

    async def drop(self, named: NamedOutcomes) -> None:
        del self.stored[named.slug]


def people_of(sessions: Any = UNUSED, audit: Any = UNUSED) -> People:
    """Return people of whom only these are known."""
    parts = {field.name: UNUSED for field in dataclasses.fields(People)}
    return People(**parts | {"sessions": sessions, "audit": audit})


def made_of(
    settings: Settings,
    engine: EngineSide,
    *,
    pool: Any = UNUSED,
    people: People | None = None,
    hearers: Hearers | None = None,
    metrics: Metrics | None = None,
    logger: Logger | None = None,
    venues: Mapping[str, Venue] | None = None,
    catalogues: Sequence[MarketCatalogue] = (),
    replays: ReplayPool | None = None,
) -> Parts:
    """Return the parts; ready, unless a test takes that back.

    `venues` are asked for other platforms' markets, `catalogues` list them by their
    names in the place of those.
    """
    metrics = metrics or Metrics()
    hearers = hearers or Hearers(metrics)
    logger = logger or configure_logs("error", io.StringIO())
    readiness = Readiness()
    readiness.open()
    cache = Cache(POLICIES, None, metrics.cache, logger)
    feeds = make_feeds(settings, pool, venues or {}, cache, metrics, logger)
    if pool is UNUSED:
        feeds = dataclasses.replace(feeds, outcomes=cast("Any", OutcomesFake()))
    limits = RateLimits(settings.limits, partial(open_order_count, engine.view))
    candles = cast("Any", NoCandles()) if pool is UNUSED else Candles(pool)
    known = people or people_of()
    seal = Seal([bytes(32)])
    keys = make_keys(settings, pool, known.audit, limits, metrics, logger, seal)
    return Parts(
        settings=settings,
        pool=pool,
        engine=engine,
        desk=Desk(
            engine.commands, engine.view, engine.history, limits.charge_operations, hearers.placed
        ),
        catalogue=AllMarkets(OurMarkets(engine.view), *catalogues)
        if catalogues
        else markets_in_view(engine.view, feeds),
        people=known,
        factors=make_factors(settings, pool, known, seal),
        keys=keys,
        revoking=make_revoking(settings, pool, known.audit, seal, logger),
        jobs=make_jobs(settings, pool, feeds, metrics, logger),
        feeds=feeds,
        candles=candles,
        volumes=MarketVolumes(candles),
        topics=hearers.topics,
        readiness=readiness,
        clock=ClockSkew(pool, metrics, logger),
        replays=replays or ReplayPool(),
        segments=Segments(settings.store.segments_folder),
        limits=limits,
        metrics=metrics,
        logger=logger,
        stocks=stock_desk(pool, engine, known, metrics),
    )
