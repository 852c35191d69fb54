"""The rows at the root that operators ask: health, readiness, metrics."""

import math

import msgspec

from gateway.engine_side.readiness import Readiness
from gateway.engine_side.running import EngineSide
from gateway.http.request import File, Request
from gateway.http.routing import Access, Limit, Route, Shape
from gateway.observability.metrics import CONTENT_TYPE, Metrics
from gateway.wire.errors import Unavailable
from gateway.wire.strict_json import AnswerStruct


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


class HealthRoutes:
    """Says how the process is."""

    def __init__(self, engine: EngineSide, readiness: Readiness, metrics: Metrics) -> None:
        self._engine = engine
        self._readiness = readiness
        self._metrics = metrics

    async def health(self, _request: Request[None, None]) -> Health:
        """Say that the process answers, and how a gateway's feed is."""
        feed = self._engine.feed
        if feed.takes_commands:
            return Health("ok")
        silence_s = feed.silence_s()
        silent_ms = None if math.isinf(silence_s) else int(silence_s * 1_000)
        return Health("ok", FeedView(feed.is_stale, feed.epoch, self._engine.view.seq, silent_ms))

    async def ready(self, _request: Request[None, None]) -> Status:
        """Say that orders are taken; 503 before recovery is done, while draining, without engine.

        A gateway takes none: it is ready while it hears the engine.
        """
        feed = self._engine.feed
        if not self._readiness.is_open:
            raise Unavailable(f"The exchange is {self._readiness.state}")
        if feed.is_stale:
            raise Unavailable("The feed is stale: the engine is not heard")
        if feed.takes_commands and not self._engine.commands.is_open:
            raise Unavailable("The engine takes no commands")
        return Status("ready")

    async def metrics(self, _request: Request[None, None]) -> File:
        """Return the metrics in Prometheus' text format."""
        return File(CONTENT_TYPE, self._metrics.exposition())

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/health",
                handler=self.health,
                access=Access.PUBLIC,
                answer=Health,
                limit=Limit.UNLIMITED,
                summary="Is the process alive",
                tag="system",
            ),
            Route(
                method="GET",
                path="/ready",
                handler=self.ready,
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
                handler=self.metrics,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                limit=Limit.UNLIMITED,
                summary="Metrics for Prometheus",
                tag="system",
            ),
        )
