"""The composition root: the one place that knows how the parts are put together.

    database (embedded or given) -> schema -> pool -> engine -> people -> domains -> web application
                                                      | or a view that follows an engine elsewhere

Laws: everything gets what it needs by its constructor; what was opened is closed in the opposite
order, whatever fails in between; nothing here decides anything about trading or people.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from typing import Final

from starlette.types import ASGIApp

from gateway.access.rate_limits import RateLimits
from gateway.accounts.linked.revoking import Revoking
from gateway.accounts.linked.tokens import LinkedTokens
from gateway.accounts.sessions.keys import load_key, require_key, shared_secret
from gateway.accounts.sessions.watch import SessionWatch
from gateway.bootstrap import garbage
from gateway.bootstrap.admins import watch_admins
from gateway.bootstrap.alerts import tell_alerts, webhook_secrets
from gateway.bootstrap.application import application_of
from gateway.bootstrap.credits.mirrors import watch_mirrors
from gateway.bootstrap.economy import stock_desk, tell_bets, watch_economy
from gateway.bootstrap.feeds import Feeds, open_feeds
from gateway.bootstrap.identity.api_keys import Keys, open_keys
from gateway.bootstrap.identity.people import People, open_limits, open_people
from gateway.bootstrap.identity.second_factor import Factors, make_factors
from gateway.bootstrap.identity.ways_in import open_revoking
from gateway.bootstrap.jobs import Jobs, make_jobs, running_jobs
from gateway.bootstrap.markets import keep_outcomes, markets_in_view, running_volumes
from gateway.bootstrap.parts import Parts, segments_of
from gateway.bootstrap.research.telling import tell_research
from gateway.bootstrap.server import Drain
from gateway.bootstrap.settings import Settings
from gateway.bootstrap.sockets import Hearers, open_front_sockets
from gateway.economy.stocks.desk import StockDesk
from gateway.engine_side.clock_skew import ClockSkew
from gateway.engine_side.observers import event_loop_watch
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.remote import follow_engine
from gateway.engine_side.replays import ReplayPool
from gateway.engine_side.running import EngineSide, RunningEngine, run_engine
from gateway.http.tracing.opening import open_tracing, spanned
from gateway.jobs.supervisor import Supervisor
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.sealing.settings import make_seal, require_seal
from gateway.settings.reader import SettingsError
from gateway.trading.desk import Desk
from persistence.embedded.server import EmbeddedPostgres, is_made, running_url
from persistence.errors import DatabaseUnavailable
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.postgres.job_pool import JOB_CONNECTIONS
from persistence.repositories.candles import Candles
from persistence.repositories.people.linked_accounts import LinkedAccounts

SOCKET_MOUNTS: Final = ("ws", "socket.io")
_LEAST_POOLED: Final = 2
# Who would wait longer is better served by a 503 and a second try.
POOL_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A process that is up: the application that serves it, and how it ends."""

    application: ASGIApp
    readiness: Readiness
    metrics: Metrics
    drains: list[Drain]
    """What to wait for before connections are ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running(Served):
    """A process with an engine, or a view of one, and what its command line needs of it."""

    engine: EngineSide
    people: People
    feeds: Feeds
    pool: DeadlinePool
    stocks: StockDesk
    failed: asyncio.Future[BaseException]
    """Done when the process can't go on, by its engine or by work it needs: a new one recovers."""


@asynccontextmanager
async def open_database(
    settings: Settings, *, join: bool = False, make: bool = True
) -> AsyncIterator[str]:
    """Yield the URL of the database, with the embedded one started if none is set.

    With `join` an embedded database that a running server has started is used as it is. Without
    `make` there has to be one: raises DatabaseUnavailable, and nothing was made, if there is none.
    """
    if settings.store.database_url is not None:
        yield settings.store.database_url
        return
    running = running_url(settings.store.data_dir) if join else None
    if running is not None:
        yield running
        return
    if not make and not is_made(settings.store.data_dir):
        raise DatabaseUnavailable(
            f"there is no database in {settings.store.data_dir}: `probity serve` and `probity"
            " migrate` make one; or set DATA_DIR or DATABASE_URL to the one that is meant"
        )
    server = await EmbeddedPostgres.start(settings.store.data_dir)
    try:
        yield server.url
    finally:
        await server.stop()


def running_database(settings: Settings) -> str:
    """Return the URL of a database that somebody else looks after."""
    url = settings.store.database_url or running_url(settings.store.data_dir)
    if url is None:
        raise DatabaseUnavailable(
            f"no database runs in {settings.store.data_dir}: start `probity serve` there, or set"
            " DATABASE_URL"
        )
    return url


@asynccontextmanager
async def open_exchange(
    settings: Settings, logger: Logger, *, accept_tip: bool = False
) -> AsyncIterator[Running]:
    """Start everything one process needs and yield it ready to serve; stop it all at the end.

    `accept_tip` is the operator's word that the database was put back in time on purpose.
    """
    has_worker = settings.worker.in_serve
    pooled = pool_size(settings, has_worker=has_worker)
    async with AsyncExitStack() as stack:
        reports = open_reports(stack, settings)
        tracing = open_tracing(stack, settings.reports, "serve")
        url = await stack.enter_async_context(open_database(settings))
        direct_url = settings.store.direct_url or url
        await migrate.upgrade(direct_url)
        metrics = Metrics()
        supervisor = Supervisor(metrics.jobs, logger)
        pool = await open_pool(stack, settings, url, pooled, metrics)
        hearers = Hearers(metrics)
        engine = await stack.enter_async_context(
            run_engine(
                settings.store,
                settings.engine,
                direct_url,
                pool,
                [hearers.announcer()],
                metrics,
                logger,
                secret=_secret(settings),
                accept_tip=accept_tip,
                traced=None if tracing is None else tracing.engine,
            )
        )
        feeds = await stack.enter_async_context(
            open_feeds(settings, pool, metrics, logger, secret=_secret(settings))
        )
        jobs = make_jobs(settings, pool, feeds, metrics, logger)
        drains: list[Drain] = []
        if has_worker:
            queue = await stack.enter_async_context(
                running_jobs(jobs, settings, direct_url, metrics, logger, supervisor)
            )
            # It only begins to end, and does so while sockets and requests do.
            drains.append(queue.drain)
            if feeds.venues:
                await feeds.jobs.begin()
        watched = metrics, logger, reports, supervisor
        running = await _open_front(stack, settings, pool, engine, hearers, jobs, feeds, *watched)
        running.drains[:0] = drains
        front = pool, running.engine, running.people, logger, supervisor
        await tell_alerts(stack, pool, hearers.topics, supervisor)
        await tell_research(stack, pool, hearers, supervisor)
        await keep_outcomes(stack, pool, feeds, supervisor)
        await tell_bets(stack, pool, hearers, running.engine.view, supervisor)
        await watch_economy(
            stack, settings.economy, pool, running.engine, running.people, supervisor
        )
        await watch_mirrors(stack, settings, feeds, *front)
        await watch_admins(stack, settings, *front, accept_tip=accept_tip)
        yield replace(running, application=spanned(running.application, tracing))


@asynccontextmanager
async def open_gateway(settings: Settings, logger: Logger) -> AsyncIterator[Running]:
    """Start a process without an engine, which follows one that runs elsewhere.

    Raises SettingsError for what it has to share with the engine, SchemaError for a schema of
    another version.
    """
    redis_url = settings.store.redis_url
    if redis_url is None:
        raise SettingsError("REDIS_URL: is missing: a gateway hears the engine through Redis")
    require_key(settings.sign_in.private_key, settings.store.data_dir)
    require_seal(settings.sealing, settings.store.data_dir)
    async with AsyncExitStack() as stack:
        reports = open_reports(stack, settings)
        tracing = open_tracing(stack, settings.reports, "gateway")
        url = running_database(settings)
        direct_url = settings.store.direct_url or url
        await migrate.require_newest(direct_url)
        metrics = Metrics()
        supervisor = Supervisor(metrics.jobs, logger)
        pool = await open_pool(stack, settings, url, pool_size(settings, has_worker=False), metrics)
        hearers = Hearers(metrics)
        engine = await stack.enter_async_context(
            follow_engine(
                redis_url,
                direct_url,
                pool,
                [hearers.announcer()],
                metrics,
                logger,
                supervisor,
                secret=_secret(settings),
                segments=segments_of(settings),
                settings=settings.engine,
            )
        )
        feeds = await stack.enter_async_context(
            open_feeds(settings, pool, metrics, logger, secret=_secret(settings))
        )
        jobs = make_jobs(settings, pool, feeds, metrics, logger)
        watched = metrics, logger, reports, supervisor
        running = await _open_front(stack, settings, pool, engine, hearers, jobs, feeds, *watched)
        await tell_alerts(stack, pool, hearers.topics, supervisor)
        await tell_research(stack, pool, hearers, supervisor)
        await keep_outcomes(stack, pool, feeds, supervisor)
        await tell_bets(stack, pool, hearers, running.engine.view, supervisor)
        yield replace(running, application=spanned(running.application, tracing))


def _secret(settings: Settings) -> bytes:
    """Return what only the processes of one exchange share; raises SettingsError."""
    return shared_secret(load_key(settings.sign_in.private_key, settings.store.data_dir))


def open_reports(stack: AsyncExitStack, settings: Settings) -> ErrorReports:
    """Return where faults of ours are reported, closed with the stack."""
    reports = ErrorReports(settings.reports.sentry_dsn)
    stack.callback(reports.close)
    return reports


def pool_size(settings: Settings, *, has_worker: bool) -> int:
    """Return how many connections a process's pool has; a worker has its part of the setting.

    Raises SettingsError if that leaves too little: asked before anything is opened.
    """
    size = settings.store.pool_size - (JOB_CONNECTIONS if has_worker else 0)
    if size < _LEAST_POOLED:
        least = _LEAST_POOLED + JOB_CONNECTIONS
        raise SettingsError(f"DATABASE_POOL_SIZE: must be at least {least} where jobs are run")
    return size


async def open_pool(
    stack: AsyncExitStack, settings: Settings, url: str, size: int, metrics: Metrics
) -> DeadlinePool:
    """Return the pool of a process, closed with the stack; raises DatabaseUnavailable."""
    pool = await create_pool(
        url,
        size=size,
        statement_timeout_ms=int(settings.store.timeout_seconds * 1_000),
        on_query=metrics.queried,
    )
    pool.wait_s = POOL_WAIT_S
    stack.push_async_callback(pool.close)
    metrics.watch_pool(size, lambda: pool.in_use)
    return pool


async def watch_clock(
    stack: AsyncExitStack,
    pool: DeadlinePool,
    metrics: Metrics,
    logger: Logger,
    supervisor: Supervisor,
) -> ClockSkew:
    """Return the comparison with the database's clock, which goes on until the stack ends."""
    clock = ClockSkew(pool, metrics, logger)
    await clock.measure()
    await stack.enter_async_context(supervisor.running(clock.NAME, clock.run))
    return clock


async def _open_front(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    engine: RunningEngine,
    hearers: Hearers,
    jobs: Jobs,
    feeds: Feeds,
    metrics: Metrics,
    logger: Logger,
    reports: ErrorReports,
    supervisor: Supervisor,
) -> Running:
    """Start what faces the clients; the same with an engine in the process and without."""
    side, readiness = engine.side, Readiness()
    limits = await open_limits(stack, settings, pool, side, supervisor)
    engine.failed.add_done_callback(lambda done: supervisor.fail(done.result()))
    await stack.enter_async_context(supervisor.running("event-loop-lag", event_loop_watch(metrics)))
    known = settings, pool, side, limits, metrics, logger, supervisor
    people, factors, keys, revoking = await _open_people(stack, *known)
    parts = Parts(
        settings=settings,
        pool=pool,
        engine=side,
        desk=Desk(side.commands, side.view, side.history, limits.charge_operations, hearers.placed),
        catalogue=markets_in_view(side.view, feeds),
        people=people,
        factors=factors,
        keys=keys,
        revoking=revoking,
        jobs=jobs,
        feeds=feeds,
        candles=Candles(pool),
        volumes=await stack.enter_async_context(running_volumes(pool, supervisor)),
        topics=hearers.topics,
        readiness=readiness,
        clock=await watch_clock(stack, pool, metrics, logger, supervisor),
        replays=stack.enter_context(closing(ReplayPool())),
        segments=segments_of(settings),
        limits=limits,
        metrics=metrics,
        logger=logger,
        stocks=stock_desk(pool, side, people, metrics),
    )
    stack.callback(readiness.drain)
    sockets = await stack.enter_async_context(open_front_sockets(parts, hearers, supervisor))
    await _enter_watch(stack, supervisor, SessionWatch(people.sessions, sockets.server.principals))
    application = application_of(parts, reports, dict.fromkeys(SOCKET_MOUNTS, sockets))
    garbage.settle()
    readiness.open()
    return Running(
        application=application,
        engine=side,
        people=people,
        feeds=feeds,
        pool=pool,
        stocks=parts.stocks,
        readiness=readiness,
        metrics=metrics,
        drains=[sockets.drain],
        failed=supervisor.failed,
    )


async def _open_people(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    side: EngineSide,
    limits: RateLimits,
    metrics: Metrics,
    logger: Logger,
    supervisor: Supervisor,
) -> tuple[People, Factors, Keys, Revoking]:
    """Return the people, by what else they prove who they are, their API keys, and what gives back
    tokens of their accounts elsewhere.

    Raises SettingsError for a wrong ENCRYPTION_KEY.
    """
    seal = make_seal(settings.sealing, settings.store.data_dir)
    people = await open_people(stack, settings, pool, side, logger, supervisor)
    factors = make_factors(settings, pool, people, seal)
    links = LinkedTokens(LinkedAccounts(pool), seal)
    hooks = webhook_secrets(settings, pool)
    sealed = {
        "second factors": factors.codes.reseal,
        links.NAME: links.reseal,
        hooks.NAME: hooks.reseal,
    }
    told = metrics, logger, supervisor
    keys = await open_keys(stack, settings, pool, people.audit, limits, *told, seal, sealed)
    given = people.audit, seal, logger, supervisor
    return people, factors, keys, await open_revoking(stack, settings, pool, *given)


async def _enter_watch(stack: AsyncExitStack, supervisor: Supervisor, watch: SessionWatch) -> None:
    """Watch sessions that end elsewhere, until the stack ends: where no other process takes tokens,
    too, for the command line ends sessions.
    """
    await stack.enter_async_context(
        supervisor.running(watch.NAME, watch.run, longest_pause_s=watch.LONGEST_PAUSE_S)
    )
