"""The rows that a worker process answers: it has no API, only what operators ask."""

from collections.abc import Callable

from gateway.engine_side.readiness import Readiness
from gateway.http.request import File, Request
from gateway.http.routing import Access, Limit, Route, Shape
from gateway.observability.metrics import CONTENT_TYPE, Metrics
from gateway.operations.health_routes import Status
from gateway.wire.errors import Unavailable


class WorkerRoutes:
    """Says how a worker is."""

    def __init__(
        self, readiness: Readiness, is_working: Callable[[], bool], metrics: Metrics
    ) -> None:
        """Tell of a worker that `is_working` while it takes runs of jobs."""
        self._readiness = readiness
        self._is_working = is_working
        self._metrics = metrics

    async def health(self, _request: Request[None, None]) -> Status:
        """Say that the process answers."""
        return Status("ok")

    async def ready(self, _request: Request[None, None]) -> Status:
        """Say that jobs are run; 503 while the database is away, and while draining."""
        if not self._readiness.is_open:
            raise Unavailable(f"The worker is {self._readiness.state}")
        if not self._is_working():
            raise Unavailable("The worker doesn't reach its jobs")
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
                answer=Status,
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
                summary="Are jobs run",
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
