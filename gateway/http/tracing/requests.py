"""Each request as a span, with a caller's `traceparent` (W3C) as its parent.

Laws: it stands outside of everything else and only where there is tracing; what it tells is what
the log line tells, but not whose request it is: method, route template, status, request id.
Sockets' events begin traces of their own (`observability/tracing/commands.py`).
"""

from typing import Final

from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.edge import LOOKED_AT_OFTEN, TRACE, Trace

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FAILED: Final = 500


class TracedRequests:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope; what isn't a request, or is asked for all the time, passes through."""
        if scope["type"] != "http" or scope["path"] in LOOKED_AT_OFTEN:
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        carrier = {} if given is None else {"traceparent": given.decode("latin-1")}
        parent = _PROPAGATOR.extract(carrier)
        span = self._tracer.start_span("request", parent, SpanKind.SERVER)
        token = attach(set_span_in_context(span, parent))
        try:
            await self._app(scope, receive, send)
        finally:
            detach(token)
            trace: Trace | None = scope.get(TRACE)
            if span.is_recording() and trace is not None:
                span.update_name(f"{scope['method']} {trace.route}")
                span.set_attributes(
                    {
                        "http.request.method": scope["method"],
                        "http.route": trace.route,
                        "http.response.status_code": trace.status,
                        "probity.request_id": trace.request_id,
                    }
                )
                if trace.status >= _FAILED:
                    span.set_status(StatusCode.ERROR)
            span.end()
