"""The web application of a process: its routes and sockets behind the edge."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway.access.api_keys.signed_call import HEADERS, KeyChecks
from gateway.access.client_address import ClientAddresses
from gateway.access.principals import TokenChecks, nobody
from gateway.access.rate_limits import RateLimits
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.routes import route_tables
from gateway.bootstrap.settings import Settings
from gateway.engine_side.ports import suspended_in
from gateway.engine_side.progress import Progress
from gateway.http.dispatcher import Dispatcher
from gateway.http.edge import Edge
from gateway.http.front_door import FrontDoor
from gateway.http.reading.bodies import BodyReader
from gateway.http.routing import RouteTable
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HEADERS: Final = (
    "authorization",
    "content-type",
    "x-request-id",
    "x-requested-with",
    *(name.decode("ascii") for name in HEADERS),
)
_EXPOSED: Final = ("ratelimit", "ratelimit-policy", "retry-after", "x-as-of-seq", "x-request-id")
_PREFLIGHT_SECONDS: Final = 600


def application_of(parts: Parts, reports: ErrorReports, mounts: Mapping[str, ASGIApp]) -> ASGIApp:
    """Return the web application of a process that is made of these parts."""
    return build_application(
        parts.settings,
        route_tables(parts),
        parts.people.sessions,
        parts.limits,
        parts.metrics,
        parts.logger,
        reports,
        mounts,
        parts.engine.progress,
        parts.keys.gate,
        suspended_in(parts.engine.view),
    )


def build_application(
    settings: Settings,
    tables: tuple[RouteTable, RouteTable],
    tokens: TokenChecks,
    limits: RateLimits,
    metrics: Metrics,
    logger: Logger,
    reports: ErrorReports,
    mounts: Mapping[str, ASGIApp],
    progress: Progress | None,
    keys: KeyChecks | None = None,
    is_suspended: Callable[[int], bool] = nobody,
) -> ASGIApp:
    """Return the whole web application.

    `tables` are those below /api/v1 and at the root; `mounts` are served below their name, e.g.
    {"ws": ...}; `progress` is that of the view, None where there is none; without `keys` nobody
    comes by an API key; `is_suspended` says whose account is.
    """
    http = settings.http
    bodies = BodyReader(http.body_max_bytes, http.body_timeout_seconds)
    api, root = (
        Dispatcher(table, tokens, limits, bodies, progress, keys, is_suspended) for table in tables
    )
    application: ASGIApp = FrontDoor(api, root, mounts)
    if http.cors_origin:
        application = CORSMiddleware(
            application,
            allow_origins=http.cors_origin,
            allow_methods=_METHODS,
            allow_headers=_HEADERS,
            expose_headers=_EXPOSED,
            # Only origins named one by one may send the refresh cookie (accounts/cookies.py).
            allow_credentials="*" not in http.cors_origin,
            max_age=_PREFLIGHT_SECONDS,
        )
    addresses = ClientAddresses(http.trusted_proxies)
    return Edge(application, addresses, metrics.http, logger, reports)
