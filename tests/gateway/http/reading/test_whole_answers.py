"""What goes out past uvicorn's way is, header for header, what uvicorn would have sent."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.http.reading.whole_answers import BLOCK, TAKES_BLOCKS, HeaderBlock, answering
from tests.gateway.http.reading.test_whole_answer import Writes

FIXED = HeaderBlock((b"x-frame-options", b"DENY"), (b"cache-control", b"no-store"))
OWN = [(b"content-type", b"text/plain"), (b"content-length", b"4"), (b"x-request-id", b"a-1")]
DATE = (b"date", b"Sat, 28 Nov 2026 07:00:00 GMT")
WHOLE = [(b"body", False)]


class Answered:
    """An answer on its way to a transport."""

    def __init__(self, method: str, *, keep_alive: bool) -> None:
        self.transport = Writes()
        self.ends = 0
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

    async def by(
        self,
        headers: list[tuple[bytes, bytes]],
        bodies: Sequence[tuple[bytes, bool]],
        *,
        by_block: bool,
    ) -> None:
        """Answer by a block of headers, or with all of them spelled out."""

        async def app(scope: Scope, _receive: Receive, send: Send) -> None:
            assert TAKES_BLOCKS in scope["extensions"]
            start: Message = {"type": "http.response.start", "status": 201, "headers": headers}
            if by_block:
                start[BLOCK] = FIXED
            else:
                start["headers"] = [*headers, *FIXED.headers]
            await send(start)
            for body, goes_on in bodies:
                await send({"type": "http.response.body", "body": body, "more_body": goes_on})

        cycle = self.cycle
        await answering(cycle, cast("Any", app))(cycle.scope, cycle.receive, cycle.send)

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
    ("headers", "bodies"),
    [
        (OWN, WHOLE),
        (OWN, [(b"bo", True), (b"dy", False)]),
        ([*OWN, (b"connection", b"close")], WHOLE),
        ([*OWN[:1], *OWN[2:]], [(b"body", True), (b"", False)]),
        ([*OWN[:1], (b"content-length", b"0")], [(b"", False)]),
    ],
)
async def test_an_answer_is_the_same_either_way(
    headers: list[tuple[bytes, bytes]],
    bodies: list[tuple[bytes, bool]],
    method: str,
    *,
    keep_alive: bool,
) -> None:
    ours, theirs = (Answered(method, keep_alive=keep_alive) for _ in range(2))
    await ours.by(headers, bodies, by_block=True)
    await theirs.by(headers, bodies, by_block=False)
    assert ours.told == theirs.told
    assert ours.ends == 1


async def test_a_whole_answer_is_written_once() -> None:
    answered = Answered("POST", keep_alive=True)
    await answered.by(OWN, [(b"body", False)], by_block=True)
    assert len(answered.transport.written) == 1
    assert answered.cycle.message_event.is_set()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([*OWN, (b"x-name", b"a\r\nset-cookie: b")], b"body"),
        (OWN, b"bod"),
        (OWN, b"bodies"),
    ],
)
async def test_what_is_wrong_is_refused_as_ever(
    headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    answered = Answered("GET", keep_alive=True)
    with pytest.raises(RuntimeError):
        await answered.by(headers, [(body, False)], by_block=True)
    assert not answered.cycle.response_complete
    assert b"set-cookie" not in b"".join(answered.transport.written)


async def test_nobody_is_written_to_who_does_not_read() -> None:
    answered = Answered("GET", keep_alive=True)
    answered.flow.pause_writing()
    answering = asyncio.create_task(answered.by(OWN, WHOLE, by_block=True))
    for _ in range(5):
        await asyncio.sleep(0)
    assert answered.transport.written == []
    answered.flow.resume_writing()
    await answering
    assert answered.told[2] == b"body"


async def test_nothing_is_written_to_whoever_has_gone() -> None:
    answered = Answered("GET", keep_alive=True)
    answered.cycle.disconnected = True
    await answered.by(OWN, WHOLE, by_block=True)
    assert answered.transport.written == []
