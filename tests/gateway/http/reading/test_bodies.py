"""Bodies as they come over a real connection: bombs, floods, dribbles and lies about length."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from gateway.access.connections import LIMITED_MAX, PIPELINE_MAX
from gateway.bootstrap.server import bind, make_server
from gateway.http.reading.budget import SLICE_BYTES
from tests.gateway.conftest import PASSWORD, MakeWeb, Web
from tests.gateway.waiting import eventually
from tests.measured import computing

LOGIN = "/api/v1/auth/login"
GOOD = json.dumps({"email": "ada@example.org", "password": PASSWORD}).encode()


class Answer(NamedTuple):
    """What came back on a raw connection."""

    status: int
    code: str | None
    field: str | None
    closed: bool


class Wire(NamedTuple):
    """A real server and the application inside."""

    web: Web
    port: int

    async def send(self, *chunks: bytes, timeout_s: float = 30.0) -> Answer:
        """Send bytes as they are and read one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(timeout_s):
                writing = asyncio.create_task(self._write(writer, chunks))
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().lower().split("\r\n")
                length = next(int(x.split(":")[1]) for x in lines if x.startswith("content-length"))
                body = await reader.readexactly(length)
                closed = "connection: close" in lines
                writing.cancel()
                await asyncio.wait([writing])
        finally:
            writer.close()
        return _answer(int(head.split()[1]), body, closed)

    async def _write(self, writer: asyncio.StreamWriter, chunks: tuple[bytes, ...]) -> None:
        try:
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            # The server has answered and closed; what is left needn't be sent.
            return


def _answer(status: int, body: bytes, closed: bool) -> Answer:
    try:
        error = json.loads(body).get("error") or {}
    except ValueError:
        return Answer(status, None, None, closed)
    details = error.get("details") or [{}]
    return Answer(status, error.get("code"), details[0].get("field"), closed)


@pytest.fixture
async def wire(make_web: MakeWeb) -> AsyncIterator[Wire]:
    async with open_wire(make_web) as made:
        yield made


@contextlib.asynccontextmanager
async def open_wire(make_web: MakeWeb, **changes: Any) -> AsyncIterator[Wire]:
    """The application behind the real web server, on a free port."""
    web = await make_web(
        PORT=0,
        REQUEST_HEAD_TIMEOUT_SECONDS=0.5,
        REQUEST_BODY_TIMEOUT_SECONDS=1,
        SHUTDOWN_TIMEOUT_SECONDS=2,
        **changes,
    )
    settings = web.settings
    with bind(settings) as listening:
        server = make_server(web.application, settings, web.readiness, [], lambda _: None)
        serving = asyncio.create_task(server.serve([listening]))
        await eventually(lambda: server.started)
        yield Wire(web, listening.getsockname()[1])
        server.should_exit = True
        await serving


def post(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    """One POST with a declared length, JSON unless the headers say otherwise."""
    lines = [
        b"POST " + LOGIN.encode() + b" HTTP/1.1",
        b"host: exchange",
        b"content-length: %d" % (len(body) if length is None else length),
        *(headers or (b"content-type: application/json",)),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*parts: bytes) -> list[bytes]:
    """One POST in chunks, without a length."""
    head = (
        b"POST " + LOGIN.encode() + b" HTTP/1.1\r\nhost: exchange\r\n"
        b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return [head, *(b"%x\r\n%s\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"]


async def test_whole_bodies_are_read_however_they_come(wire: Wire) -> None:
    whole = await wire.send(post(GOOD))
    pieces = await wire.send(*chunked(GOOD[:7], GOOD[7:9], GOOD[9:]))
    assert whole == pieces == Answer(401, "UNAUTHORIZED", None, closed=False)


async def test_two_megabytes_are_refused_before_they_are_read(wire: Wire) -> None:
    answer = await wire.send(post(b"x" * 2_000_000))
    assert answer == Answer(413, "PAYLOAD_TOO_LARGE", "body", closed=True)


async def test_a_connection_that_goes_on_past_a_limit_is_closed(make_web: MakeWeb) -> None:
    limit = 20
    request = b"GET /api/v1/markets HTTP/1.1\r\nhost: x\r\n\r\n"
    answers = bytearray()
    async with open_wire(make_web, RATE_LIMIT_MAX_REQUESTS=limit) as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(request * (limit + 10 * LIMITED_MAX))
        # What was sent and not read is answered by a reset.
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(60):
                while part := await reader.read(65_536):
                    answers += part
        writer.close()
    assert answers.count(b"HTTP/1.1 200") == limit
    behind = PIPELINE_MAX + SLICE_BYTES // len(request)
    assert LIMITED_MAX / 2 < answers.count(b"HTTP/1.1 429") <= LIMITED_MAX + behind + 1


async def test_chunks_without_end_are_refused_at_the_bound(wire: Wire) -> None:
    answer = await wire.send(*chunked(*[b" " * 4_096] * 10_000))
    assert answer == Answer(413, "PAYLOAD_TOO_LARGE", "body", closed=True)


@pytest.mark.parametrize("size", [65_536, 65_537])
async def test_the_bound_is_exact(wire: Wire, size: int) -> None:
    body = GOOD + b" " * (size - len(GOOD))
    expected = 401 if size == 65_536 else 413
    assert (await wire.send(post(body))).status == expected
    assert (await wire.send(*chunked(body))).status == expected


async def test_body_that_does_not_come_is_not_waited_for(wire: Wire) -> None:
    started = time.monotonic()
    answer = await wire.send(post(GOOD[:10], length=len(GOOD)))
    assert answer == Answer(400, "VALIDATION_ERROR", "body", closed=True)
    assert time.monotonic() - started > 0.9


async def test_client_that_leaves_in_the_middle_harms_nobody(wire: Wire) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(post(GOOD[:10], length=len(GOOD)))
    await writer.drain()
    writer.close()
    assert (await wire.send(post(GOOD))).status == 401
    assert not [line for line in wire.web.log_lines() if line["level"] == "error"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[" * 60_000, "body"),
        (b'{"email":' * 6_000, "body"),
        (b'{"email":"\xff"}', "body"),
        (b'{"email":"a","email":"b"}', "email"),
        (b'{"email":"a\\u0000","password":"x"}', "email"),
        (b'{"email":NaN}', "email"),
        (GOOD[:-1], "body"),
        (b"", "body"),
    ],
)
async def test_malformed_bodies_are_answered_with_their_field(
    wire: Wire, body: bytes, field: str
) -> None:
    answer = await wire.send(post(body))
    assert answer == Answer(400, "VALIDATION_ERROR", field, closed=False)


async def test_open_brackets_beyond_the_bound_are_too_large(wire: Wire) -> None:
    with computing() as took:
        assert (await wire.send(post(b"[" * 100_000))).status == 413
    assert took.seconds < 1


@pytest.mark.parametrize(
    "headers",
    [
        (b"content-type: text/plain",),
        (b"content-type: application/x-www-form-urlencoded",),
        (b"content-type: application/jsonp",),
        (b"content-type: application/json; charset=latin-1",),
        (b"x-nothing: 1",),
        (b"content-type: application/json", b"content-encoding: gzip"),
    ],
)
async def test_other_content_types_are_refused(wire: Wire, headers: tuple[bytes, ...]) -> None:
    answer = await wire.send(post(GOOD, *headers))
    assert answer[:3] == (415, "UNSUPPORTED_MEDIA_TYPE", "content-type")


@pytest.mark.parametrize(
    "content_type", [b"application/json; charset=utf-8", b"Application/JSON;charset=UTF-8"]
)
async def test_json_may_name_its_encoding(wire: Wire, content_type: bytes) -> None:
    assert (await wire.send(post(GOOD, b"content-type: " + content_type))).status == 401


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /health HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
async def test_requests_that_are_no_http_are_refused_by_the_server(wire: Wire, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(raw)
    async with asyncio.timeout(30):
        line = await reader.readline()
    writer.close()
    assert line.split()[1:2] in ([b"400"], [b"405"], [])
    assert (await wire.send(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")).status == 200


HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize("sent", [b"", b"G", HEALTH, HEALTH + b"\r\n" + HEALTH])
async def test_a_head_that_does_not_come_is_not_waited_for(wire: Wire, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(sent)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    assert answer.count(b"HTTP/1.1 200") == sent.count(b"\r\n\r\n")


async def test_headers_without_end_are_refused_at_the_bound(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(HEALTH)
    sent = 0
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and sent < 50_000_000:
                line = b"x: " + b"y" * 4_000 + b"\r\n"
                writer.write(line)
                sent += len(line)
                await writer.drain()
                await asyncio.sleep(0)
    writer.close()
    assert sent < 10_000_000
    large = HEALTH + b"x: " + b"y" * 20_000 + b"\r\n\r\n"
    assert (await wire.send(large)).status == 200


async def test_a_quick_head_after_a_slow_answer_is_served(wire: Wire) -> None:
    """The time for a head begins with its first byte, not with the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    for _ in range(3):
        writer.write(HEALTH + b"\r\n")
        async with asyncio.timeout(30):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}}")
        await asyncio.sleep(0.3)
    writer.close()
