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

from starlette.types import ASGIApp

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
from gateway.engine_side.observers import event_loop_watch
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.running import EngineSide, run_engine
from gateway.http.routing import RouteTable
from gateway.http.tracing.opening import open_tracing
from gateway.jobs.supervisor import Supervisor
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.operations.health_routes import EngineCondition, HealthRoutes
from gateway.sealing.settings import make_seal
from gateway.settings.reader import SettingsError
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading(Served):
    """A process whose engine leads."""

    people: People
    failed: asyncio.Future[BaseException]
    """Done when the process can't go on, by its engine or by work it needs: a new one recovers."""


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
        reports = open_reports(stack, settings)
        tracing = open_tracing(stack, settings.reports, "engine")
        url = await stack.enter_async_context(open_database(settings))
        direct_url = settings.store.direct_url or url
        await migrate.upgrade(direct_url)
        # Made here where it isn't set, as gateways are to find it.
        make_seal(settings.sealing, settings.store.data_dir)
        metrics, readiness = Metrics(), Readiness()
        supervisor = Supervisor(metrics.jobs, logger)
        size = pool_size(settings, has_worker=False)
        pool = await open_pool(stack, settings, url, size, metrics)
        engine = await stack.enter_async_context(
            run_engine(
                settings.store,
                settings.engine,
                direct_url,
                pool,
                [],
                metrics,
                logger,
                secret=secret_of(settings),
                accept_tip=accept_tip,
                traced=None if tracing is None else tracing.engine,
            )
        )
        engine.failed.add_done_callback(lambda done: supervisor.fail(done.result()))
        watched = metrics, logger, supervisor
        people = await _watch_what_is_one(
            stack, settings, pool, engine.side, *watched, accept_tip=accept_tip
        )
        clock = await watch_clock(stack, pool, *watched)
        routes = HealthRoutes(EngineCondition(engine.side), readiness, metrics, clock.warnings)
        application = operators_application(settings, routes, metrics, logger, reports)
        stack.callback(readiness.drain)
        garbage.settle()
        readiness.open()
        yield Leading(
            application=application,
            readiness=readiness,
            metrics=metrics,
            drains=[],
            people=people,
            failed=supervisor.failed,
        )


async def _watch_what_is_one(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    side: EngineSide,
    metrics: Metrics,
    logger: Logger,
    supervisor: Supervisor,
    *,
    accept_tip: bool,
) -> People:
    """Begin what an exchange has one of, until the stack ends; return its people."""
    lag = supervisor.running("event-loop-lag", event_loop_watch(metrics))
    await stack.enter_async_context(lag)
    people = await open_people(stack, settings, pool, side, logger, supervisor)
    feeds = await stack.enter_async_context(
        open_feeds(settings, pool, metrics, logger, secret=secret_of(settings))
    )
    known = pool, side, people, logger, supervisor
    await keep_mirrored(stack, pool, feeds, supervisor)
    await watch_economy(stack, settings.economy, pool, side, people, supervisor)
    await watch_mirrors(stack, settings, feeds, *known)
    await watch_admins(stack, settings, *known, accept_tip=accept_tip)
    return people


def require_redis(settings: Settings) -> str:
    """Return where Redis is; raises SettingsError if there is none to reach gateways by."""
    if settings.store.redis_url is None:
        raise SettingsError("REDIS_URL: is missing: an engine reaches its gateways through Redis")
    return settings.store.redis_url


def secret_of(settings: Settings) -> bytes:
    """Return what only the processes of one exchange share; raises SettingsError."""
    return shared_secret(load_key(settings.sign_in.private_key, settings.store.data_dir))


def operators_application(
    settings: Settings,
    routes: HealthRoutes,
    metrics: Metrics,
    logger: Logger,
    reports: ErrorReports,
) -> ASGIApp:
    """Return the web application of a process that answers nobody but operators."""
    return build_application(
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
