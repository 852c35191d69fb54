"""The engine's role in a process of its own: it trades, publishes, and answers operators.

    database -> schema -> pool -> engine -> Redis -> gateways
                                     ^── what there must be one of, beside it

Laws: no public API, no sockets, no jobs: gateways are the way in, `probity worker` does the jobs.
What must run exactly once is here, since only one engine leads: what sees money and mirrors through
that were left half done, the house's quotes, approved proposals, the end of the audit log. Each of
them is a sweep over the database that sends commands, so it goes on under whoever leads next.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Gauge

from gateway.access.rate_limits import RateLimits
from gateway.accounts.sessions.keys import load_key, shared_secret
from gateway.bootstrap import garbage
from gateway.bootstrap.admins import watch_admins
from gateway.bootstrap.application import build_application
from gateway.bootstrap.compose import (
    Served,
    open_database,
    open_pool,
    open_reports,
    pool_size,
    watch_clock,
)
from gateway.bootstrap.credits.mirrors import keep_mirrored, watch_mirrors
from gateway.bootstrap.economy import watch_economy
from gateway.bootstrap.feeds import open_feeds
from gateway.bootstrap.identity.people import People, open_people
from gateway.bootstrap.settings import Settings
from gateway.bootstrap.worker import Nobody
from gateway.engine_side.cancels_first import Takeover
from gateway.engine_side.clock_skew import ClockSkew
from gateway.engine_side.observers import event_loop_watch
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.running import EngineSide, run_engine
from gateway.http.routing import RouteTable
from gateway.http.tracing.opening import Tracing, open_tracing
from gateway.jobs.supervisor import Supervisor
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.operations.health_routes import Condition, EngineCondition, HealthRoutes
from gateway.sealing.settings import make_seal
from gateway.settings.reader import SettingsError
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading(Served):
    """A process whose engine leads, or waits for its turn."""

    people: People | None
    """None as long as it waits."""
    failed: asyncio.Future[BaseException]
    """Done when the process can't go on, by its engine or by work it needs: a new one recovers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What such a process has before its engine leads."""

    settings: Settings
    logger: Logger
    direct_url: str
    """Reaches the database past any pooler."""
    pool: DeadlinePool
    metrics: Metrics
    readiness: Readiness
    supervisor: Supervisor
    clock: ClockSkew
    reports: ErrorReports
    tracing: Tracing | None
    leads: Gauge

    def served(self, condition: Condition, people: People | None) -> Leading:
        """Return what answers operators, from now on."""
        routes = HealthRoutes(condition, self.readiness, self.metrics, self.clock.warnings)
        application = build_application(
            self.settings,
            (RouteTable(()), RouteTable(routes.routes(), prefix="")),
            Nobody(),
            RateLimits(self.settings.limits),
            self.metrics,
            self.logger,
            self.reports,
            {},
            None,
        )
        self.readiness.open()
        return Leading(
            application=application,
            readiness=self.readiness,
            metrics=self.metrics,
            drains=[],
            people=people,
            failed=self.supervisor.failed,
        )


@asynccontextmanager
async def open_engine(
    settings: Settings, logger: Logger, *, accept_tip: bool = False
) -> AsyncIterator[Leading]:
    """Start the engine and what there must be one of, and yield it trading.

    `accept_tip` is the operator's word that the database was put back in time on purpose.
    Raises SettingsError without Redis, and what `recover` raises.
    """
    require_redis(settings)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(open_database(settings))
        await migrate.upgrade(settings.store.direct_url or url)
        # Made here where it isn't set, as gateways are to find it.
        make_seal(settings.sealing, settings.store.data_dir)
        ground = await open_ground(stack, settings, logger, url)
        side, people = await lead(stack, ground, accept_tip=accept_tip)
        stack.callback(ground.readiness.drain)
        yield ground.served(EngineCondition(side), people)


async def open_ground(
    stack: AsyncExitStack, settings: Settings, logger: Logger, url: str
) -> Ground:
    """Return what is there before an engine leads, closed with the stack."""
    metrics = Metrics()
    supervisor = Supervisor(metrics.jobs, logger)
    reports = open_reports(stack, settings)
    tracing = open_tracing(stack, settings.reports, "engine")
    size = pool_size(settings, has_worker=False)
    pool = await open_pool(stack, settings, url, size, metrics)
    lag = supervisor.running("event-loop-lag", event_loop_watch(metrics))
    await stack.enter_async_context(lag)
    return Ground(
        settings=settings,
        logger=logger,
        direct_url=settings.store.direct_url or url,
        pool=pool,
        metrics=metrics,
        readiness=Readiness(),
        supervisor=supervisor,
        clock=await watch_clock(stack, pool, metrics, logger, supervisor),
        reports=reports,
        tracing=tracing,
        leads=Gauge("engine_leads", "1 while this process leads.", registry=metrics.registry),
    )


async def lead(
    stack: AsyncExitStack,
    ground: Ground,
    *,
    accept_tip: bool = False,
    takeover: Takeover | None = None,
) -> tuple[EngineSide, People]:
    """Take the lead and begin what there must be one of, until the stack ends."""
    settings, supervisor = ground.settings, ground.supervisor
    engine = await stack.enter_async_context(
        run_engine(
            settings.store,
            settings.engine,
            ground.direct_url,
            ground.pool,
            [],
            ground.metrics,
            ground.logger,
            secret=secret_of(settings),
            accept_tip=accept_tip,
            takeover=takeover,
            traced=None if ground.tracing is None else ground.tracing.engine,
        )
    )
    engine.failed.add_done_callback(lambda done: supervisor.fail(done.result()))
    people = await _watch_what_is_one(stack, ground, engine.side, accept_tip=accept_tip)
    garbage.settle()
    ground.leads.set(1)
    return engine.side, people


async def _watch_what_is_one(
    stack: AsyncExitStack, ground: Ground, side: EngineSide, *, accept_tip: bool
) -> People:
    """Begin what an exchange has one of, until the stack ends; return its people."""
    settings, pool, logger, supervisor = (
        ground.settings,
        ground.pool,
        ground.logger,
        ground.supervisor,
    )
    people = await open_people(stack, settings, pool, side, logger, supervisor)
    feeds = await stack.enter_async_context(
        open_feeds(settings, pool, ground.metrics, logger, secret=secret_of(settings))
    )
    known = pool, side, people, logger, supervisor
    await keep_mirrored(stack, pool, feeds, supervisor)
    await watch_economy(stack, settings.economy, pool, side, people, supervisor)
    await watch_mirrors(stack, settings, feeds, *known)
    await watch_admins(stack, settings, *known, accept_tip=accept_tip)
    return people


def require_redis(settings: Settings) -> None:
    """Raise SettingsError if there is no Redis to reach gateways by."""
    if settings.store.redis_url is None:
        raise SettingsError("REDIS_URL: is missing: an engine reaches its gateways through Redis")


def secret_of(settings: Settings) -> bytes:
    """Return what only the processes of one exchange share; raises SettingsError."""
    return shared_secret(load_key(settings.sign_in.private_key, settings.store.data_dir))
