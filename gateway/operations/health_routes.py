"""The routes at the root: health, readiness, metrics, the front page and the parts of pages."""

import math
from importlib.resources import files
from typing import Final

import msgspec

from gateway.http.request import File, Request
from gateway.http.routing import Access, Limit, Route, RouteTable, Shape
from gateway.observability.metrics import CONTENT_TYPE
from gateway.site import front_page as web_root
from gateway.wire.errors import NotFound, Unavailable
from gateway.wire.strict_json import AnswerStruct

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def _load() -> dict[str, File]:
    """Return the pages and their parts, by file name; read once, as the package holds them."""
    found = {}
    for entry in files("gateway.site").joinpath("static").iterdir():
        content_type = _TYPES.get(entry.name.rpartition(".")[2])
        if content_type is not None:
            found[entry.name] = File(content_type, entry.read_bytes(), is_page=True)
    return found


STATIC_FILES: Final = _load()


class Status(AnswerStruct, frozen=True):
    """How the process is."""

    status: str


class FeedView(AnswerStruct, frozen=True):
    """What a gateway has heard of the engine; `silentMs` is null before the first time."""

    stale: bool
    epoch: int
    seq: int
    silent_ms: int | None


class Health(AnswerStruct, frozen=True):
    """How the process is; `feed` only where the engine is elsewhere."""

    status: str
    feed: FeedView | msgspec.UnsetType = msgspec.UNSET


async def health(request: Request[None, None]) -> Health:
    """Say that the process answers, and how a gateway's feed is."""
    services = request.services
    feed = services.feed
    if feed.takes_commands:
        return Health("ok")
    silence_s = feed.silence_s()
    silent_ms = None if math.isinf(silence_s) else int(silence_s * 1_000)
    return Health("ok", FeedView(feed.is_stale, feed.epoch, services.view.seq, silent_ms))


async def ready(request: Request[None, None]) -> Status:
    """Say that orders are taken; 503 before recovery is done, while draining, without engine.

    A gateway takes none: it is ready while it hears the engine.
    """
    services = request.services
    if not services.readiness.is_open:
        raise Unavailable(f"The exchange is {services.readiness.state}")
    if services.feed.is_stale:
        raise Unavailable("The feed is stale: the engine is not heard")
    if services.feed.takes_commands and not services.commands.is_open:
        raise Unavailable("The engine takes no commands")
    return Status("ready")


async def metrics(request: Request[None, None]) -> File:
    """Return the metrics in Prometheus' text format."""
    return File(CONTENT_TYPE, request.services.metrics.exposition())


async def static_file(request: Request[None, None]) -> File:
    """Return a part of a page."""
    found = STATIC_FILES.get(request.path["name"])
    if found is None:
        raise NotFound
    return found


ROOT_TABLE: Final = RouteTable(
    (
        *web_root.ROUTES,
        Route(
            method="GET",
            path="/health",
            handler=health,
            access=Access.PUBLIC,
            answer=Health,
            limit=Limit.UNLIMITED,
            summary="Is the process alive",
            tag="system",
        ),
        Route(
            method="GET",
            path="/ready",
            handler=ready,
            access=Access.PUBLIC,
            answer=Status,
            errors=(Unavailable,),
            limit=Limit.UNLIMITED,
            summary="Are orders taken",
            tag="system",
        ),
        Route(
            method="GET",
            path="/metrics",
            handler=metrics,
            access=Access.PUBLIC,
            answer=str,
            shape=Shape.FILE,
            limit=Limit.UNLIMITED,
            summary="Metrics for Prometheus",
            tag="system",
        ),
        Route(
            method="GET",
            path="/static/{name}",
            handler=static_file,
            access=Access.PUBLIC,
            answer=str,
            shape=Shape.FILE,
            limit=Limit.UNLIMITED,
            errors=(NotFound,),
            summary="Parts of pages",
            tag="pages",
        ),
    ),
    prefix="",
)
