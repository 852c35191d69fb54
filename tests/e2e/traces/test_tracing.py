"""A real exchange sends its traces to a real receiver of OTLP over HTTP, and needs none."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.server_process import free_port, running_server

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARTS = {"queue", "batch", "commit", "publish"}


class Receiver:
    """Takes what is sent to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    def spans(self) -> list[Span]:
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                told = {pair.key: pair.value for pair in resource.resource.attributes}
                assert told["service.name"].string_value == "probity-serve"
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.mark.slow
def test_an_order_is_told_from_the_request_to_what_is_published(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = {"TRACING_URL": receiver.url, "TRACING_SAMPLE": "1"}
    with running_server(tmp_path / "data", settings) as server:
        server.market("rain")
        user, token = server.trader()
        order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5"}
        headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
        headers["authorization"] = f"Bearer {token}"
        answer = httpx.post(
            f"{server.url}/api/v1/orders/rain", json=order | {"quantity": "1"}, headers=headers
        )
        assert answer.status_code == 201
    # What waited was sent at the end.
    ours = {span.name: span for span in receiver.spans() if span.trace_id.hex() == TRACE_ID}
    request = ours.pop("POST /api/v1/orders/{id}")
    command = ours.pop("command")
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert command.parent_span_id == request.span_id
    assert set(ours) == PARTS
    for part in ours.values():
        assert part.parent_span_id == command.span_id
        assert command.start_time_unix_nano <= part.start_time_unix_nano
        assert part.end_time_unix_nano <= command.end_time_unix_nano
    assert request.start_time_unix_nano <= command.start_time_unix_nano
    sent = b"".join(receiver.bodies)
    for hidden in (token, "@example.com", f"user:{user}", "127.0.0.1"):
        assert hidden.encode() not in sent


@pytest.mark.slow
def test_a_collector_that_is_away_keeps_nobody_waiting(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1/traces"
    settings = {"TRACING_URL": url, "TRACING_SAMPLE": "1"}
    with running_server(tmp_path / "data", settings) as server:
        server.market("rain")
        assert httpx.get(f"{server.url}/api/v1/markets/rain").status_code == 200
