"""Where spans go: to a collector by OTLP over HTTP, in batches, from a thread of its own.

Laws: what waits to be sent is bounded, and what doesn't find room is dropped: nobody waits for a
collector that is slow or away. Whether a request is recorded is ours to say (`TRACING_SAMPLE`, by
chance): a caller's `traceparent` joins a trace, and may ask that it isn't recorded, but neither its
flag nor the id that it chose makes it recorded, which would cost others' spans their room.
"""

import secrets
from collections.abc import Sequence
from threading import Thread
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, Tracer, TraceState
from opentelemetry.util.types import Attributes

SCOPE: Final = "probity"
_QUEUE: Final = 4_096
_BATCH: Final = 512
_EVERY_MS: Final = 1_000
_TIMEOUT_S: Final = 5
_BITS: Final = 64
"""Of what is drawn: as many as the library looks at."""
CLOSE_S: Final = 5.0
"""How long the end of a process waits for a collector."""


class _ByChance(Sampler):
    """Records a part of what begins here, whatever ids others have given it."""

    def __init__(self, share: float) -> None:
        self._ratio = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,  # noqa: ARG002 - a caller's to choose
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide by a number of ours, as the library would by the trace's."""
        drawn = secrets.randbits(_BITS)
        return self._ratio.should_sample(
            parent_context, drawn, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return what the library may tell of it."""
        return f"ByChance{{{self._ratio.rate}}}"


class Export:
    """Spans of one process, until it is closed."""

    def __init__(self, processor: SpanProcessor, share: float, role: str) -> None:
        """Give `processor` the part `share` of all requests; `role` names the kind of process."""
        chance = _ByChance(share)
        self._provider = TracerProvider(
            sampler=ParentBased(chance, remote_parent_sampled=chance),
            resource=Resource.create({"service.name": f"probity-{role}"}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)

    @property
    def tracer(self) -> Tracer:
        """Return what makes spans."""
        return self._provider.get_tracer(SCOPE)

    def close(self) -> None:
        """Send what waits, for `CLOSE_S` at most."""
        # OpenTelemetry's own end waits for each batch, for half a minute together.
        last = Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(CLOSE_S)


def over_http(url: str, share: float, role: str) -> Export:
    """Return an export to the collector at `url`, e.g. http://collector:4318/v1/traces."""
    exporter = OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=_QUEUE,
        max_export_batch_size=_BATCH,
        schedule_delay_millis=_EVERY_MS,
        export_timeout_millis=1_000 * _TIMEOUT_S,
    )
    return Export(processor, share, role)
