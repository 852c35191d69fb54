"""The composition root: the one place that knows how the parts are put together.

    database (embedded or given) -> schema -> pool -> engine -> services -> web application
                                                      | or a view that follows an engine elsewhere

Laws: everything gets what it needs by its constructor; what was opened is closed in the opposite
order, whatever fails in between; nothing here decides anything about trading or people.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway.access.client_address import ClientAddresses
from gateway.access.principals import Role
from gateway.access.rate_limits import RateLimits
from gateway.accounts.passwords import Passwords
from gateway.accounts.session_watch import watch_sessions
from gateway.accounts.sign_in import SignIn, add_user
from gateway.accounts.tokens import Tokens, load_key, require_key
from gateway.bootstrap import garbage
from gateway.bootstrap.routes import API_TABLE
from gateway.bootstrap.server import Drain
from gateway.bootstrap.services import Services
from gateway.engine_side.observers import watch_event_loop
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.remote import follow_engine
from gateway.engine_side.running import EngineSide, RunningEngine, run_engine
from gateway.http.bodies import BodyReader
from gateway.http.dispatcher import Dispatcher
from gateway.http.edge import Edge
from gateway.http.front_door import FrontDoor
from gateway.http.openapi import openapi_document
from gateway.jobs.background import in_background
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.operations.health_routes import ROOT_TABLE
from gateway.settings.settings import Settings, SettingsError
from gateway.sockets.app import SocketApp, open_sockets
from gateway.sockets.services import SocketServices
from persistence.embedded.server import EmbeddedPostgres, running_url
from persistence.errors import DatabaseUnavailable
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.audit import AuditLog
from persistence.repositories.sessions import Sessions
from persistence.repositories.users import User, Users

SOCKET_MOUNTS: Final = ("ws", "socket.io")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HEADERS: Final = ("authorization", "content-type", "x-request-id")
_EXPOSED: Final = ("retry-after", "x-request-id")
_PREFLIGHT_SECONDS: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that is up: its services and the application that serves them."""

    services: Services
    application: ASGIApp
    drains: list[Drain]
    """What to wait for before connections are ended."""
    engine_failed: asyncio.Future[BaseException]
    """Done when the engine can't go on; the process must end and recover."""


@asynccontextmanager
async def open_database(settings: Settings, *, join: bool = False) -> AsyncIterator[str]:
    """Yield the URL of the database, with the embedded one started if none is set.

    With `join` an embedded database that a running server has started is used as it is.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    running = running_url(settings.data_dir) if join else None
    if running is not None:
        yield running
        return
    server = await EmbeddedPostgres.start(settings.data_dir)
    try:
        yield server.url
    finally:
        await server.stop()


def running_database(settings: Settings) -> str:
    """Return the URL of a database that somebody else looks after."""
    url = settings.database_url or running_url(settings.data_dir)
    if url is None:
        raise DatabaseUnavailable(
            f"no database runs in {settings.data_dir}: start `probity serve` there, or set"
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
    async with AsyncExitStack() as stack:
        reports = _reports(stack, settings)
        url = await stack.enter_async_context(open_database(settings))
        direct_url = settings.direct_url or url
        await migrate.upgrade(direct_url)
        metrics = Metrics()
        pool = await _pool(stack, settings, url, metrics)
        engine = await stack.enter_async_context(
            run_engine(settings, direct_url, pool, metrics, logger, accept_tip=accept_tip)
        )
        yield await _open_front(stack, settings, pool, engine, metrics, logger, reports)


@asynccontextmanager
async def open_gateway(settings: Settings, logger: Logger) -> AsyncIterator[Running]:
    """Start a process without an engine, which follows one that runs elsewhere.

    Raises SettingsError for what it has to share with the engine, SchemaError for a schema of
    another version.
    """
    if settings.redis_url is None:
        raise SettingsError("REDIS_URL: is missing: a gateway hears the engine through Redis")
    require_key(settings.jwt_private_key, settings.data_dir)
    async with AsyncExitStack() as stack:
        reports = _reports(stack, settings)
        url = running_database(settings)
        direct_url = settings.direct_url or url
        await migrate.require_newest(direct_url)
        metrics = Metrics()
        pool = await _pool(stack, settings, url, metrics)
        engine = await stack.enter_async_context(
            follow_engine(settings.redis_url, direct_url, pool, metrics, logger)
        )
        yield await _open_front(stack, settings, pool, engine, metrics, logger, reports)


def _reports(stack: AsyncExitStack, settings: Settings) -> ErrorReports:
    reports = ErrorReports(settings.sentry_dsn)
    stack.callback(reports.close)
    return reports


async def _pool(
    stack: AsyncExitStack, settings: Settings, url: str, metrics: Metrics
) -> DeadlinePool:
    pool = await create_pool(
        url,
        size=settings.database_pool_size,
        statement_timeout_ms=int(settings.database_timeout_seconds * 1_000),
        on_query=metrics.queried,
    )
    stack.push_async_callback(pool.close)
    return pool


async def _open_front(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    engine: RunningEngine,
    metrics: Metrics,
    logger: Logger,
    reports: ErrorReports,
) -> Running:
    """Start what faces the clients; the same with an engine in the process and without."""
    await stack.enter_async_context(in_background(watch_event_loop(metrics)))
    passwords = Passwords(settings.password_hash_workers, settings.password_hash_queue)
    stack.callback(passwords.close)
    services = build_services(settings, pool, engine.side, passwords, metrics)
    stack.callback(services.readiness.drain)
    sockets = await stack.enter_async_context(_sockets(services, engine, logger))
    if settings.redis_url is not None:
        watch = watch_sessions(services.auth, sockets.server.principals)
        await stack.enter_async_context(in_background(watch))
    mounts = dict.fromkeys(SOCKET_MOUNTS, sockets)
    application = build_application(services, logger, reports, mounts)
    garbage.settle()
    services.readiness.open()
    return Running(
        services=services,
        application=application,
        drains=[sockets.drain],
        engine_failed=engine.failed,
    )


def _sockets(
    services: Services, engine: RunningEngine, logger: Logger
) -> contextlib.AbstractAsyncContextManager[SocketApp]:
    return open_sockets(
        SocketServices(
            settings=services.settings,
            commands=services.commands,
            view=services.view,
            history=services.history,
            auth=services.auth,
            limits=services.limits,
            metrics=services.metrics,
            rooms=engine.rooms,
            feed=services.feed,
            logger=logger,
        )
    )


def build_services(
    settings: Settings,
    pool: DeadlinePool,
    engine: EngineSide,
    passwords: Passwords,
    metrics: Metrics,
) -> Services:
    """Return the bundle that handlers reach; readiness is still to be opened."""
    users = Users(pool)
    audit = AuditLog(pool)
    key = load_key(settings.jwt_private_key, settings.data_dir)
    tokens = Tokens(key, settings.jwt_access_expires_in)
    auth = SignIn(
        settings, users, Sessions(pool), audit, passwords, tokens, engine.commands, engine.view
    )
    document = openapi_document(API_TABLE.routes)
    return Services(
        settings=settings,
        commands=engine.commands,
        view=engine.view,
        history=engine.history,
        feed=engine.feed,
        readiness=Readiness(),
        auth=auth,
        users=users,
        audit=audit,
        passwords=passwords,
        limits=RateLimits(settings),
        metrics=metrics,
        openapi=msgspec.json.encode(document),
    )


def build_application(
    services: Services, logger: Logger, reports: ErrorReports, mounts: Mapping[str, ASGIApp]
) -> ASGIApp:
    """Return the whole web application; `mounts` are served below their name, e.g. {"ws": ...}."""
    settings = services.settings
    bodies = BodyReader(settings.request_body_max_bytes, settings.request_body_timeout_seconds)
    api = Dispatcher(API_TABLE, services, services.limits, bodies)
    root = Dispatcher(ROOT_TABLE, services, services.limits, bodies)
    application: ASGIApp = FrontDoor(api, root, mounts)
    if settings.cors_origin:
        application = CORSMiddleware(
            application,
            allow_origins=settings.cors_origin,
            allow_methods=_METHODS,
            allow_headers=_HEADERS,
            expose_headers=_EXPOSED,
            # The refresh cookie is SameSite=Strict; only origins named one by one may send it.
            allow_credentials="*" not in settings.cors_origin,
            max_age=_PREFLIGHT_SECONDS,
        )
    addresses = ClientAddresses(settings.trusted_proxies)
    return Edge(application, addresses, services.metrics.http, logger, reports)


async def ensure_admin(services: Services, email: str, password: str) -> User | None:
    """Add the first admin if there is none, and return it."""
    if await services.users.has_admin():
        return None
    return await add_user(
        services.users,
        services.audit,
        services.passwords,
        email,
        password,
        "Admin",
        Role.ADMIN,
        "startup",
    )
