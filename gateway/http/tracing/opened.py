"""Tracing where there is a collector: what `opening` imports only then."""

import asyncio

from starlette.types import ASGIApp

from gateway.http.tracing.requests import TracedRequests
from gateway.observability.tracing.commands import TracedEngine
from gateway.observability.tracing.exporting import Export, over_http


class OpenedTracing:
    """The spans of one process."""

    def __init__(self, url: str, share: float, role: str, export: Export | None = None) -> None:
        """Export to `url`, or to what is given in its place."""
        self._export = over_http(url, share, role) if export is None else export
        self.engine = TracedEngine(self._export.tracer)

    def requests(self, application: ASGIApp) -> ASGIApp:
        """Return the application with a span for each request."""
        return TracedRequests(application, self._export.tracer)

    async def close(self) -> None:
        """Send what waits, in a thread: a collector may be slow."""
        await asyncio.to_thread(self._export.close)
