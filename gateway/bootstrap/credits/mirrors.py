"""Mirrors and the house, put together: their job, and the work of the engine's process."""

from contextlib import AsyncExitStack

from gateway.bootstrap.feeds import Feeds
from gateway.bootstrap.identity.people import People
from gateway.bootstrap.settings import Settings
from gateway.demo.mirrors import DemoMirrors
from gateway.economy.mirrors.carrying import Carrying
from gateway.economy.mirrors.house import House
from gateway.economy.mirrors.kept import KeptMirrored
from gateway.economy.mirrors.making import Mirroring
from gateway.economy.mirrors.resolving import MirrorResolutions
from gateway.engine_side.running import EngineSide
from gateway.feeds.sample.market import PLATFORM
from gateway.jobs.job import Job
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.mirrors import Mirrors
from persistence.repositories.feeds.matches import Matches


def mirroring_of(
    settings: Settings, feeds: Feeds, pool: DeadlinePool, engine: EngineSide, people: People
) -> Mirroring:
    """Return what makes mirrors; its `mirror_of` is what bets ask."""
    return Mirroring(
        Mirrors(pool),
        feeds.reader,
        feeds.mirrored,
        engine.commands,
        engine.view,
        people.audit,
        settings.mirrors,
        followed_max=settings.feeds.followed_markets,
        takes_commands=engine.feed.takes_commands,
    )


def mirror_jobs(
    settings: Settings, pool: DeadlinePool, feeds: Feeds, logger: Logger
) -> tuple[Job, ...]:
    """Return the job that asks sources how they ended."""
    asking = MirrorResolutions(
        Mirrors(pool),
        feeds.markets,
        Matches(pool),
        feeds.venues,
        feeds.catalogue,
        settings.mirrors,
        feeds.mirror_metrics,
        logger,
    )
    return asking.jobs()


def demo_mirrors(
    settings: Settings,
    feeds: Feeds,
    pool: DeadlinePool,
    engine: EngineSide,
    people: People,
    logger: Logger,
) -> DemoMirrors | None:
    """Return what mirrors sample markets in a demonstration; None where there are none."""
    if PLATFORM not in feeds.venues:
        return None
    mirroring = mirroring_of(settings, feeds, pool, engine, people)
    return DemoMirrors(mirroring, Mirrors(pool), feeds.reader, engine.commands, logger)


async def keep_mirrored(
    stack: AsyncExitStack, pool: DeadlinePool, feeds: Feeds, supervisor: Supervisor
) -> None:
    """Know which markets are mirrors, until the stack ends."""
    kept = KeptMirrored(Mirrors(pool), feeds.mirrored)
    await kept.look()
    await stack.enter_async_context(supervisor.running(kept.NAME, kept.run))


async def watch_mirrors(
    stack: AsyncExitStack,
    settings: Settings,
    feeds: Feeds,
    pool: DeadlinePool,
    engine: EngineSide,
    people: People,
    logger: Logger,
    supervisor: Supervisor,
) -> None:
    """See mirrors through, and quote in them, until the stack ends."""
    rows, metrics = Mirrors(pool), feeds.mirror_metrics
    carrying = Carrying(
        rows,
        mirroring_of(settings, feeds, pool, engine, people),
        engine.commands,
        engine.view,
        people.audit,
        metrics,
        logger,
    )
    await stack.enter_async_context(supervisor.running(carrying.NAME, carrying.run))
    house = House(
        rows, feeds.following, engine.commands, engine.view, settings.mirrors, metrics, logger
    )
    await stack.enter_async_context(supervisor.running(house.NAME, house.run))
