"""What goes out past uvicorn's way is, header for header, what uvicorn would have sent."""

import asyncio
import logging
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.access.client_address import ClientAddresses
from gateway.http.edge import TRACE, Edge
from gateway.http.reading.held_flow import ON_LIMITED
from gateway.http.reading.whole_answers import (
    HeaderBlock,
    Sending,
    answering,
    send_spelled_out,
    whole_answer,
)
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.gateway.http.reading.test_whole_answer import Writes

BLOCK = HeaderBlock((b"x-frame-options", b"DENY"), (b"cache-control", b"no-store"))
ADDED = ((b"x-request-id", b"a-1"),)
DATE = (b"date", b"Sat, 28 Nov 2026 07:00:00 GMT")
OWN = (b"x-name", b"value")


class Answered:
    """An answer on its way to a transport."""

    def __init__(self, method: str, *, keep_alive: bool) -> None:
        self.transport = Writes()
        self.ends = 0
        self.steps = 0
        """Answers that went out in one step."""
        transport = cast("asyncio.Transport", self.transport)
        self.flow = FlowControl(transport)
        log = logging.getLogger("nobody")
        scope: Any = {"type": "http", "method": method, "extensions": {}}
        self.cycle = RequestResponseCycle(
            scope,
            transport,
            self.flow,
            log,
            log,
            access_log=False,
            default_headers=[DATE],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self.ended,
        )

    def ended(self) -> None:
        self.ends += 1

    async def by(self, *own: tuple[bytes, bytes], in_one_step: bool, body: bytes = b"body") -> None:
        """Answer as the edge does: in one step if that can be, else spelled out."""

        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            assert isinstance(send, Sending)
            start = whole_answer(201, b"text/plain", body, own)
            if in_one_step and send.whole(start, ADDED, BLOCK):
                self.steps += 1
                return
            await send_spelled_out(send, start, (*ADDED, *BLOCK.headers))

        cycle, transport = self.cycle, cast("asyncio.Transport", self.transport)
        answer = answering(cycle, cast("Any", app), transport)
        await answer(cycle.scope, cycle.receive, cycle.send)

    @property
    def told(self) -> tuple[bytes, list[bytes], bytes, bool, int, bool]:
        """The status line, the headers, the body, whether it was closed, and how it ended."""
        head, _, body = b"".join(self.transport.written).partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        closed, is_complete = self.transport.is_closed, self.cycle.response_complete
        return first, sorted(lines), body, closed, self.ends, is_complete


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("own", "body"),
    [
        ((), b"body"),
        ((), b""),
        ((OWN, (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")), b"body"),
        ((OWN, (b"connection", b"close")), b"body"),
    ],
)
async def test_an_answer_is_the_same_either_way(
    own: tuple[tuple[bytes, bytes], ...], body: bytes, method: str, *, keep_alive: bool
) -> None:
    ours, theirs = (Answered(method, keep_alive=keep_alive) for _ in range(2))
    await ours.by(*own, body=body, in_one_step=True)
    await theirs.by(*own, body=body, in_one_step=False)
    assert ours.told == theirs.told
    assert ours.ends == 1
    is_whole = method == "GET" and (b"connection", b"close") not in own
    assert ours.steps == is_whole


async def test_a_whole_answer_is_written_once() -> None:
    answered = Answered("POST", keep_alive=True)
    await answered.by(OWN, in_one_step=True)
    assert len(answered.transport.written) == 1
    assert answered.cycle.message_event.is_set()


@pytest.mark.parametrize(
    "own",
    [
        (b"x-name", b"a\r\nset-cookie: b"),
        (b"x-name", b"a\x00"),
        (b"content-length", b"2"),
    ],
)
async def test_what_is_wrong_is_refused_as_ever(own: tuple[bytes, bytes]) -> None:
    answered = Answered("GET", keep_alive=True)
    with pytest.raises(RuntimeError):
        await answered.by(own, in_one_step=True)
    assert not answered.cycle.response_complete
    assert b"set-cookie" not in b"".join(answered.transport.written)


async def test_there_is_one_answer_to_a_request() -> None:
    answered = Answered("GET", keep_alive=True)
    await answered.by(in_one_step=True)
    with pytest.raises(RuntimeError):
        await answered.by(in_one_step=True)
    assert len(answered.transport.written) == 1


async def test_nobody_is_written_to_who_does_not_read() -> None:
    answered = Answered("GET", keep_alive=True)
    answered.flow.pause_writing()
    answering = asyncio.create_task(answered.by(in_one_step=True))
    for _ in range(5):
        await asyncio.sleep(0)
    assert answered.transport.written == []
    answered.flow.resume_writing()
    await answering
    assert answered.told[2] == b"body"


async def test_nothing_is_written_to_whoever_has_gone() -> None:
    answered = Answered("GET", keep_alive=True)
    answered.cycle.disconnected = True
    await answered.by(in_one_step=True)
    assert answered.transport.written == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("status", [200, 429])
async def test_the_edge_sends_in_one_step_what_it_sends_to_another_server(
    status: int, scheme: str
) -> None:
    limited: list[int] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scope[TRACE].limit_headers = ((b"ratelimit", b'"read";r=1;t=1'),)
        await send(whole_answer(status, b"text/plain", b"body", (OWN,)))

    edge = Edge(
        app, ClientAddresses(()), Metrics().http, configure_logs("error"), ErrorReports(None)
    )
    ours, theirs = (Answered("GET", keep_alive=True) for _ in range(2))
    for answered in (ours, theirs):
        scope: Any = answered.cycle.scope
        scope |= {"headers": [(b"x-request-id", b"a-1")], "scheme": scheme}
        scope["extensions"] = {ON_LIMITED: lambda: limited.append(status)}
    cycle, transport = ours.cycle, cast("asyncio.Transport", ours.transport)
    await answering(cycle, cast("Any", edge), transport)(cycle.scope, cycle.receive, cycle.send)
    cycle = theirs.cycle
    await edge(cast("Any", cycle.scope), cast("Any", cycle.receive), cast("Any", cycle.send))
    assert ours.told == theirs.told
    assert [len(answered.transport.written) for answered in (ours, theirs)] == [1, 2]
    lines = ours.told[1]
    assert {b"x-request-id: a-1", b'ratelimit: "read";r=1;t=1', b"x-name: value"} <= {*lines}
    assert any(line.startswith(b"strict-transport") for line in lines) is (scheme == "https")
    assert len(limited) == (2 if status == 429 else 0)
