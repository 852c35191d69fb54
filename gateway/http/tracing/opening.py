"""Tracing, put around what is traced; without `TRACING_URL` nothing of it is even imported.

The extra is `probity[tracing]`.
"""

from contextlib import AsyncExitStack
from typing import Protocol

from starlette.types import ASGIApp

from gateway.engine_side.ports import EngineTrace
from gateway.observability.settings import ReportSettings
from gateway.settings.reader import SettingsError


class Tracing(Protocol):
    """What can be traced of a process."""

    @property
    def engine(self) -> EngineTrace:
        """Return what sees commands, and when they are committed."""

    def requests(self, application: ASGIApp) -> ASGIApp:
        """Return the application with a span for each request."""


def open_tracing(stack: AsyncExitStack, settings: ReportSettings, role: str) -> Tracing | None:
    """Return the tracing of a process, None where there is none; closed with the stack.

    Raises SettingsError where TRACING_URL is set and the extra isn't installed.
    """
    if settings.tracing_url is None:
        return None
    try:
        from gateway.http.tracing.opened import OpenedTracing  # noqa: PLC0415 - it is optional
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        raise SettingsError("TRACING_URL: needs the package probity[tracing]") from None
    opened = OpenedTracing(settings.tracing_url, settings.tracing_sample, role)
    stack.push_async_callback(opened.close)
    return opened


def spanned(application: ASGIApp, tracing: Tracing | None) -> ASGIApp:
    """Return the application with a span for each request, or as it is."""
    return application if tracing is None else tracing.requests(application)
