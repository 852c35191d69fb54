"""The worker's role in a process of its own: it runs jobs, and answers operators on its port.

Laws: no engine, no view, no API; what it needs of the exchange it reads from the database. It
shares nothing with the process that trades but PostgreSQL, so nothing it does keeps orders waiting.
Once it is up nothing is fatal to it: a database that is away is waited for.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.access.principals import Principal
from gateway.access.rate_limits import RateLimits
from gateway.bootstrap.application import build_application
from gateway.bootstrap.compose import (
    Served,
    open_pool,
    open_reports,
    pool_size,
    running_database,
    watch_clock,
)
from gateway.bootstrap.feeds import open_feeds
from gateway.bootstrap.jobs import make_jobs, running_jobs
from gateway.bootstrap.settings import Settings
from gateway.engine_side.observers import event_loop_watch
from gateway.engine_side.readiness import Readiness
from gateway.http.routing import RouteTable
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.operations.health_routes import HealthRoutes, WorkerCondition
from gateway.wire.errors import Unauthorized
from persistence.postgres import migrate


class Nobody:
    """The tokens of a process that lets nobody in: it has nothing to be let in to."""

    def __init__(self) -> None:
        self.on_revoked: list[Callable[[int, int], None]] = []

    def is_expected(self, _token: bytes) -> bool:
        """Expect none."""
        return False

    def remembered(self, _token: bytes) -> Principal | None:
        """Know no token."""
        return None

    async def verify(self, _token: bytes) -> Principal:
        """Refuse; raises Unauthorized."""
        raise Unauthorized


@asynccontextmanager
async def open_worker(settings: Settings, logger: Logger) -> AsyncIterator[Served]:
    """Start a process that runs jobs, beside a database that somebody else looks after.

    Raises SettingsError, DatabaseUnavailable, SchemaError for a schema of another version.
    """
    pooled = pool_size(settings, has_worker=True)
    async with AsyncExitStack() as stack:
        reports = open_reports(stack, settings)
        url = running_database(settings)
        direct_url = settings.store.direct_url or url
        await migrate.require_newest(direct_url)
        metrics, readiness = Metrics(), Readiness()
        supervisor = Supervisor(metrics.jobs, logger)
        pool = await open_pool(stack, settings, url, pooled, metrics)
        lag = supervisor.running("event-loop-lag", event_loop_watch(metrics))
        await stack.enter_async_context(lag)
        feeds = await stack.enter_async_context(open_feeds(settings, pool, metrics, logger))
        jobs = make_jobs(settings, pool, feeds, metrics, logger)
        queue = await stack.enter_async_context(
            running_jobs(jobs, settings, direct_url, metrics, logger, supervisor)
        )
        if feeds.venues:
            await feeds.jobs.begin()
        clock = await watch_clock(stack, pool, metrics, logger, supervisor)
        routes = HealthRoutes(WorkerCondition(queue), readiness, metrics, clock.warnings)
        application = build_application(
            settings,
            (RouteTable(()), RouteTable(routes.routes(), prefix="")),
            Nobody(),
            RateLimits(settings.limits),
            metrics,
            logger,
            reports,
            {},
            None,
        )
        stack.callback(readiness.drain)
        readiness.open()
        yield Served(
            application=application, readiness=readiness, metrics=metrics, drains=[queue.drain]
        )
