"""Spans of requests and commands: who is whose parent, what they tell, and what they don't."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
import pytest
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from exchange.messages.commands import Command, OpenAccount
from gateway.http.tracing.opening import open_tracing
from gateway.http.tracing.requests import TracedRequests
from gateway.observability.settings import ReportSettings
from gateway.observability.tracing import exporting
from gateway.observability.tracing.commands import TracedEngine
from gateway.observability.tracing.exporting import Export
from gateway.settings.reader import SettingsError, read_area
from persistence.errors import QueueFull
from persistence.loop.ports import Answer, Unobserved
from tests.gateway.conftest import Web

TRACE_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
UNWANTED: Final = f"00-{TRACE_ID}-00f067aa0ba902b7-00"
MS: Final = 1_000_000


class Recorded:
    """Spans that stay in memory."""

    def __init__(self, share: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer = Export(SimpleSpanProcessor(self._exporter), share, "test").tracer

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def by_name(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.spans}


class Port:
    """A way in whose answers a test gives."""

    is_open = True

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[Answer]] = []

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        if isinstance(command, OpenAccount) and command.account_id == 0:
            raise QueueFull("full")
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms * MS


def times(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / MS, span.end_time / MS


async def test_a_command_is_told_from_queue_to_publish() -> None:
    recorded, clock, port = Recorded(), Clock(), Port()
    traced = TracedEngine(recorded.tracer, clock)
    commands, observer = traced.commands(port), traced.observer(Unobserved())
    with recorded.tracer.start_as_current_span("request") as request:
        clock.ms = 10
        future = commands.submit(OpenAccount(7, 1_000))
    assert commands.is_open
    clock.ms = 45
    observer.committed(3, 0.020, 42, 1)  # 40, 41 and 42
    clock.ms = 50
    observer.committed(2, 0.001, 44, 1)
    clock.ms = 52
    port.futures[0].set_result(Answer(41, 15_000, (), 0, 0))
    await asyncio.wait_for(future, 1)
    await asyncio.sleep(0)
    spans = recorded.by_name()
    assert {name: times(span) for name, span in spans.items() if name != "request"} == {
        "command": (10, 52),
        "queue": (10, 15),
        "batch": (15, 25),
        "commit": (25, 45),
        "publish": (45, 52),
    }
    whole = spans["command"]
    assert whole.parent == request.get_span_context()
    for name in ("queue", "batch", "commit", "publish"):
        assert spans[name].parent == whole.context
    assert dict(whole.attributes or {}) == {
        "probity.command": "OpenAccount",
        "probity.seq": 41,
        "probity.replayed": False,
    }
    assert dict(spans["commit"].attributes or {}) == {"probity.batch.commands": 3}


async def test_what_had_no_batch_of_its_own_has_no_parts() -> None:
    recorded, port = Recorded(), Port()
    traced = TracedEngine(recorded.tracer)
    commands = traced.commands(port)
    traced.observer(Unobserved()).committed(1, 0.001, 9, 1)
    for _ in range(4):
        commands.submit(OpenAccount(7, 1_000))
    again, alone, failed, gone = port.futures
    again.set_result(Answer(9, 1, (), 0, 0, replayed=True))
    alone.set_result(Answer(5, 1, (), 0, 0))
    failed.set_exception(QueueFull("secret words"))
    gone.cancel()
    await asyncio.sleep(0)
    assert [span.name for span in recorded.spans] == ["command"] * 4
    assert recorded.spans[2].status.status_code is StatusCode.ERROR
    assert recorded.spans[2].status.description == "QueueFull"
    with pytest.raises(QueueFull):
        commands.submit(OpenAccount(0, 1))
    assert len(recorded.spans) == 4


async def test_what_is_not_recorded_is_not_followed() -> None:
    recorded, port = Recorded(share=0.0), Port()
    commands = TracedEngine(recorded.tracer).commands(port)
    token = attach(set_span_in_context(recorded.tracer.start_span("request")))
    commands.submit(OpenAccount(7, 1_000))
    detach(token)
    assert not port.futures[0]._callbacks
    port.futures[0].cancel()


class Stuck(SpanProcessor):
    """What waits for a collector that says nothing."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def shutdown(self) -> None:
        self.gate.wait(20)


def test_an_end_does_not_wait_for_a_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CLOSE_S", 0.1)
    stuck = Stuck()
    begun = time.monotonic()
    Export(stuck, 1.0, "test").close()
    assert time.monotonic() - begun < 5
    stuck.gate.set()


def client(web: Web, recorded: Recorded) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(TracedRequests(web.application, recorded.tracer))
    return httpx.AsyncClient(transport=transport, base_url="http://exchange/api/v1")


async def test_a_request_joins_its_callers_trace_and_tells_nothing_of_anybody(web: Web) -> None:
    recorded, person = Recorded(), await web.register()
    headers = {**person.bearer, "traceparent": PARENT, "x-forwarded-for": "203.0.113.9"}
    async with client(web, recorded) as caller:
        answer = await caller.get("/auth/me?secret=swordfish", headers=headers)
        await caller.get("/markets/swordfish", headers={"traceparent": "nonsense"})
        await caller.get("http://exchange/health")
    ours, orphan = recorded.spans
    assert ours.context is not None
    assert f"{ours.context.trace_id:032x}" == TRACE_ID
    assert ours.parent is not None
    assert ours.parent.is_remote
    assert ours.name == "GET /api/v1/auth/me"
    told: dict[str, Any] = dict(ours.attributes or {})
    assert told == {
        "http.request.method": "GET",
        "http.route": "/api/v1/auth/me",
        "http.response.status_code": 400,
        "probity.request_id": answer.headers["x-request-id"],
    }
    assert orphan.parent is None
    assert orphan.name == "GET /api/v1/markets/{slug}"
    text = "".join(span.to_json() for span in recorded.spans)
    for hidden in ("swordfish", person.token, "203.0.113.9", person.email):
        assert hidden not in text


async def test_a_caller_can_have_itself_left_out_and_cannot_have_itself_recorded(web: Web) -> None:
    for share, parent, count in ((1.0, UNWANTED, 0), (0.0, PARENT, 0), (1.0, PARENT, 1)):
        recorded = Recorded(share)
        async with client(web, recorded) as caller:
            await caller.get("/markets", headers={"traceparent": parent})
        assert len(recorded.spans) == count


def test_an_id_that_a_caller_chose_decides_nothing() -> None:
    """By the library's own way this one would be recorded always, and another one never."""
    for low, flag in ((0, 1), (2**64 - 1, 1), (0, 0)):
        recorded = Recorded(share=0.5)
        parent = SpanContext(2**100 + low, 7, is_remote=True, trace_flags=TraceFlags(flag))
        for _ in range(200):
            recorded.tracer.start_span("request", _within(parent)).end()
        # One time in 10^9 it is outside of these.
        assert 57 <= len(recorded.spans) <= 143 if flag else not recorded.spans
    recorded = Recorded(share=0.5)
    with recorded.tracer.start_as_current_span("request"):
        recorded.tracer.start_span("command").end()
    assert len(recorded.spans) in {0, 2}, "what is within goes with the whole"


def _within(parent: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(parent))


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    program = (
        "import sys, contextlib;"
        "import gateway.cli.main, gateway.bootstrap.compose, gateway.bootstrap.worker;"
        "from gateway.bootstrap.settings import load_settings;"
        "from gateway.http.tracing.opening import open_tracing, spanned;"
        "stack = contextlib.AsyncExitStack();"
        "assert open_tracing(stack, load_settings({}).reports, 'serve') is None;"
        "assert spanned('application', None) == 'application';"
        "found = [name for name in sys.modules if name.startswith("
        "('gateway.observability.tracing', 'gateway.http.tracing.o', 'gateway.http.tracing.r'))];"
        "assert found == ['gateway.http.tracing.opening'], found"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_setting_without_the_extra_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opened", "requests"):
        monkeypatch.delitem(sys.modules, f"gateway.http.tracing.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    reports, _ = read_area(ReportSettings, {"TRACING_URL": "http://127.0.0.1:4318/v1/traces"})
    assert reports is not None
    with pytest.raises(SettingsError, match=r"TRACING_URL: needs the package probity\[tracing\]"):
        open_tracing(AsyncExitStack(), reports, "serve")


@pytest.mark.parametrize("part", ["1.5", "-1", "half", "nan"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    _, [wrong] = read_area(ReportSettings, {"TRACING_SAMPLE": part})
    assert str(wrong).startswith("TRACING_SAMPLE: must be a part from 0 to 1")
