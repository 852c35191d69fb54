"""What one connection may cost: past each budget it is refused readably, and closed."""

import asyncio
from typing import Final, cast

import pytest

from gateway.access.connections import (
    FRAMES_PER_TURN,
    HEADERS_MAX,
    PIPELINE_MAX,
    WAITING_MAX_BYTES,
)
from gateway.http.reading.budget import SLICE_BYTES
from gateway.http.reading.connection import HttpConnection
from gateway.sockets.framing.transport import FLOOD
from gateway.sockets.link import TOO_MANY_SOCKETS
from tests.gateway.connections.wire import GET, HEAD, SLOW, Raw, frame, open_front, raw, refusal
from tests.gateway.socket_client import raw_client, socket_client
from tests.gateway.waiting import eventually

POST: Final = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
ONE_CHUNK: Final = b"1\r\ny\r\n"
UPGRADE: Final = (
    b"GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
)
KEY: Final = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

WRONG_HEADS: Final = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "host"),
    "two hosts": (HEAD + b"Host: x\r\n\r\n", "host"),
    "two hosts that differ": (HEAD + b"host: y\r\n\r\n", "host"),
    "a host that is none": (b"GET / HTTP/1.1\r\nHost: x/y z\r\n\r\n", "host"),
    "two hosts in HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "host"),
    "HTTP/0.9": (b"GET /\r\n\r\n", "head"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "head"),
    "two tokens": (HEAD + b"Authorization: a\r\nAuthorization: b\r\n\r\n", "authorization"),
    "two content types": (HEAD + b"Content-Type: a\r\nContent-Type: b\r\n\r\n", "content-type"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "head"),
    "120 kB in one piece": (HEAD + b"x: " + b"y" * 120_000 + b"\r\n\r\n", "head"),
    "a long line": (b"GET /" + b"y" * 120_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "head"),
    "many headers": (HEAD + b"x: y\r\n" * HEADERS_MAX + b"\r\n", "head"),
    "an upgrade with many headers": (UPGRADE + b"x: y\r\n" * 200 + KEY + b"\r\n", "head"),
    "a second that is no HTTP": (GET + b"what\r\n\r\n", "head"),
    "empty lines": (GET + b"\r\n" * 30_000, "head"),
    "a second without a host, behind an answer that waits": (
        SLOW + b"GET / HTTP/1.1\r\n\r\n",
        "host",
    ),
    "a second that aims nowhere, behind an answer that waits": (
        SLOW + b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        "head",
    ),
    "an upgrade behind an answer that waits": (SLOW + UPGRADE + KEY + b"\r\n", "head"),
    "trailers": (CHUNKED + b"0\r\n" + b"a: b\r\n" * 10_000, "body"),
    "a byte a chunk": (CHUNKED + ONE_CHUNK * 20_000, "body"),
    "a chunk that is none": (CHUNKED + b"what\r\n", "head"),
}


@pytest.mark.parametrize("name", WRONG_HEADS)
async def test_a_wrong_request_is_refused_and_the_field_named(name: str) -> None:
    content, field = WRONG_HEADS[name]
    async with open_front() as (desk, front), raw(desk.port) as peer:
        await peer.send(content)
        front.gate.set()
        answers = await peer.rest()
        assert refusal(answers) == (400, field)
        # Nothing takes the place of an answer to what came before.
        assert (b"late" in answers) is content.startswith(SLOW)
        assert desk.metric("connections_ended_total", reason="refused") == 1
        await eventually(lambda: desk.open_connections == 0)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"x: " + b"y" * 32_000 + b"\r\n\r\n",
        HEAD + b"x: y\r\n" * (HEADERS_MAX - 1) + b"\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n",
        b"\r\n\r\n" + GET,
    ],
)
async def test_a_head_within_the_bounds_is_served(head: bytes) -> None:
    async with open_front() as (desk, _), raw(desk.port) as peer:
        await peer.send(head)
        assert b"HTTP/1.1 200" in await peer.until(b"ok")


@pytest.mark.parametrize(
    "lines",
    [
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        b"Sec-WebSocket-Version: 7\r\n" + KEY,
        b"Sec-WebSocket-Version: 13\r\nContent-Length: 5\r\n" + KEY,
        b"Sec-WebSocket-Version: 13\r\nx: " + b"y" * 10_000 + b"\r\n" + KEY,
    ],
)
async def test_an_upgrade_that_is_wrong_is_answered_and_closed(lines: bytes) -> None:
    async with open_front() as (desk, _), raw(desk.port) as peer:
        await peer.send(UPGRADE + lines + b"\r\n")
        answer = await peer.rest()
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 426")), answer
        await eventually(lambda: desk.open_connections == 0)


async def test_requests_behind_one_another_are_answered_in_order_and_few_wait() -> None:
    async with open_front() as (desk, front), raw(desk.port) as peer:
        await peer.send(SLOW + GET * 1_000)
        await eventually(lambda: front.seen)
        (connection,) = desk.server.server_state.connections
        await eventually(lambda: len(connection.pipeline) >= PIPELINE_MAX)  # type: ignore[union-attr]
        assert len(connection.pipeline) < PIPELINE_MAX + 100  # type: ignore[union-attr]
        front.gate.set()
        answers = b""
        while answers.count(b"ok") < 1_000:
            answers += await peer.until(b"ok")
        assert answers.index(b"late") < answers.index(b"ok")
        assert answers.count(b"HTTP/1.1 200") == 1_001


async def test_bytes_behind_those_that_wait_are_bounded() -> None:
    async with open_front() as (desk, front), raw(desk.port) as peer:
        sending = asyncio.create_task(peer.send(SLOW + GET * 40_000))
        await eventually(lambda: front.seen)
        await eventually(lambda: desk.metric("connections_ended_total", reason="refused"))
        front.gate.set()
        answers = await peer.rest()
        await sending
        assert answers.startswith(b"HTTP/1.1 200")
        assert answers.count(b"HTTP/1.1 200") < PIPELINE_MAX + 100


def with_body(size: int) -> bytes:
    return POST + b"Content-Length: %d\r\n\r\n" % size + b"y" * size


async def test_bodies_behind_those_that_wait_are_bounded() -> None:
    async with open_front() as (desk, front), raw(desk.port) as peer:
        sending = asyncio.create_task(peer.send(SLOW + with_body(60_000) * PIPELINE_MAX))
        await eventually(lambda: desk.metric("connections_ended_total", reason="refused"))
        (connection,) = desk.server.server_state.connections
        waiting = cast("HttpConnection", connection).pipeline
        kept = sum(len(cycle.body) for cycle, _ in waiting)
        assert kept <= WAITING_MAX_BYTES + SLICE_BYTES
        front.gate.set()
        assert (await peer.rest()).startswith(b"HTTP/1.1 200")
        await sending


async def test_bodies_that_fit_wait_their_turn() -> None:
    async with open_front() as (desk, front), raw(desk.port) as peer:
        await peer.send(SLOW + b"".join(with_body(10_000 + number) for number in range(6)))
        await eventually(lambda: front.seen)
        front.gate.set()
        answers = await peer.until(b"10005")
        places = [answers.index(b"%d" % (10_000 + number)) for number in range(6)]
        assert places == sorted(places)


async def test_a_body_nobody_reads_is_not_read_for_ever() -> None:
    async with open_front() as (desk, _), raw(desk.port) as peer:
        await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
        await peer.until(b"ok")
        await peer.send(b"y" * 1_000_000)
        await eventually(lambda: desk.open_connections == 0)


async def test_a_body_as_large_as_allowed_is_read_in_pieces() -> None:
    async with open_front() as (desk, _), raw(desk.port) as peer:
        await peer.send(POST + b"Content-Length: 65536\r\n\r\n" + b"y" * 65_536 + GET)
        assert (await peer.until(b"ok")).count(b"65536") == 1


async def test_connections_of_an_address_are_bounded() -> None:
    async with open_front(CONNECTIONS_PER_ADDRESS=2) as (desk, _):
        peers = [raw(desk.port) for _ in range(5)]
        one, two, three, four, five = [await peer.__aenter__() for peer in peers]
        await one.send(GET)
        await one.until(b"ok")
        await two.upgrade()
        await two.until(b"pingInterval")
        for refused in (three, four):
            await refused.send(GET)
            assert refusal(await refused.rest()) == (429, "RATE_LIMITED")
        await eventually(lambda: desk.open_connections == 2)
        for peer in peers:
            await peer.__aexit__(None, None, None)
        await eventually(lambda: desk.open_connections == 0)
        del five
        async with raw(desk.port) as again:
            await again.send(GET)
            await again.until(b"ok")


async def test_a_trusted_proxy_may_have_any_number_of_connections() -> None:
    changes = {"CONNECTIONS_PER_ADDRESS": 1, "TRUSTED_PROXIES": "127.0.0.0/8"}
    async with open_front(**changes) as (desk, _), raw(desk.port) as one, raw(desk.port) as two:
        for peer in (one, two):
            await peer.send(GET)
            await peer.until(b"ok")


MOST: Final = 200
FLOODS: Final = {
    "pings": frame(b"", 9),
    "pongs": frame(b"", 10),
    "empty text behind a close": frame(b""),
    "binary": frame(b"", 2),
    "fragments": frame(b"4", fin=False) + frame(b"2[]", 0),
    "joining": frame(b"40"),
    "joining elsewhere": frame(b"40/admin,"),
    "leaving and joining": frame(b"41/ws?x,") + frame(b"40/ws,"),
    "signs": frame(b"6") + frame(b"3"),
    "events of nobody": frame(b'42/nowhere,["ping"]'),
    "binary events": frame(b'451-["ping",{}]'),
    "acks": frame(b"43[]"),
    "frames of the second kind behind a close": frame(b"7") + frame(b"", 9),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_frames_that_are_no_events_are_counted(name: str) -> None:
    async with (
        open_front(SOCKET_OTHER_FRAMES_MAX=MOST) as (desk, _),
        raw(desk.port) as peer,
        socket_client(desk.port, "1") as bystander,
    ):
        await peer.open("40", "40/ws,")
        await eventually(lambda: sum(len(link.sessions) for link in desk.sockets.server.links) == 3)
        (flooding,) = [link for link in desk.sockets.server.links if len(link.sessions) == 2]
        sending = asyncio.create_task(peer.send(FLOODS[name] * MOST * 50))
        heard = asyncio.create_task(peer.rest())
        await eventually(lambda: not flooding.is_open)
        await eventually(lambda: desk.metric("connections_ended_total", reason="flood") == 1)
        assert await bystander.ok("ping")
        await eventually(lambda: flooding not in desk.sockets.server.links)
        assert ("close" in name) != (FLOOD.encode() in await heard)
        await sending
        assert desk.log.getvalue() == ""


async def test_events_that_a_limit_refuses_are_counted() -> None:
    async with (
        open_front(SOCKET_OTHER_FRAMES_MAX=MOST, RATE_LIMIT_USER_MAX_REQUESTS=5) as (desk, _),
        socket_client(desk.port, "1") as client,
    ):
        for _ in range(MOST + 10):
            client.emit("ping")
        await asyncio.wait_for(client.closed.wait(), 30)
        assert (client.close_code, client.close_reason) == (1008, FLOOD)


async def test_what_a_trader_sends_in_a_day_is_no_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget is one of each window, not of a life."""
    monkeypatch.setattr("gateway.sockets.framing.transport.FRAMES_WINDOW_SECONDS", 0)
    async with open_front(SOCKET_OTHER_FRAMES_MAX=50) as (desk, _), raw(desk.port) as peer:
        await peer.open("40")
        for _ in range(120):
            await peer.send(frame(b"", 9))
            await peer.until(b"\x8a\x00")
        assert desk.metric("connections_ended_total", reason="flood") == 0


async def test_a_flood_leaves_the_others_their_turn() -> None:
    """One read brings tens of thousands of frames; few are handled before somebody else's event."""
    async with (
        open_front(SOCKET_OTHER_FRAMES_MAX=10**6) as (desk, _),
        raw(desk.port) as peer,
        socket_client(desk.port, "1") as bystander,
    ):
        await peer.open("40")
        await eventually(lambda: len(desk.sockets.server.links) == 2)
        (flooding,) = [link for link in desk.sockets.server.links if link.owner is None]
        transport = flooding._transport
        sending = asyncio.create_task(peer.send(frame(b"", 9) * 100_000))
        await eventually(lambda: transport._is_held)
        before = transport._others
        await bystander.ok("ping")
        # An ack takes a few turns there and back; a read without bounds would take all at once.
        assert transport._others - before < 60 * FRAMES_PER_TURN
        sending.cancel()
        await asyncio.wait({sending})


async def test_events_in_one_piece_are_answered_in_order_over_many_turns() -> None:
    async with open_front() as (desk, _), raw(desk.port) as peer:
        await peer.open("40")
        await peer.until(b"sid")
        count = 10 * FRAMES_PER_TURN + 3
        await peer.send(b"".join(frame(b'42%d["ping"]' % n) for n in range(count)))
        heard = await peer.until(b"43%d[" % (count - 1))
        places = [heard.index(b"43%d[" % n) for n in range(count)]
        assert places == sorted(places)


async def test_an_address_over_its_sockets_is_told_when_to_come_back() -> None:
    async with open_front(RATE_LIMIT_SOCKETS_PER_ADDRESS=2) as (desk, _):
        for _ in range(2):
            async with socket_client(desk.port) as within:
                assert within.refused is None
        async with raw_client(desk.port, namespace="/ws") as third:
            await third.join()
            data = third.refused["data"]
            assert data["code"] == "RATE_LIMITED"
            assert 1 <= data["retryAfter"] <= 60
            await asyncio.wait_for(third.closed.wait(), 30)
            assert (third.close_code, third.close_reason) == (1008, TOO_MANY_SOCKETS)
        async with raw_client(desk.port) as forger:
            await forger.join({"token": "forged"})
            assert forger.refused["data"]["code"] == "UNAUTHORIZED"
            await asyncio.wait_for(forger.closed.wait(), 30)
        async with socket_client(desk.port, "1") as known:
            assert await known.ok("ping")


async def test_a_socket_is_handed_back_when_somebody_signs_in_on_it() -> None:
    async with open_front(RATE_LIMIT_SOCKETS_PER_ADDRESS=1) as (desk, _):
        for _ in range(3):
            async with socket_client(desk.port) as client:
                assert client.refused is None
                await client.ok("session:authenticate", {"token": "1"})


async def test_sockets_of_a_user_are_bounded() -> None:
    async with open_front(RATE_LIMIT_SOCKETS_PER_USER=2) as (desk, _):
        for expected in (None, None, "RATE_LIMITED"):
            async with socket_client(desk.port, "1") as client:
                found = client.refused and client.refused["data"]["code"]
                assert found == expected
        async with socket_client(desk.port) as late:
            refused = await late.refusal("session:authenticate", {"token": "1"})
            assert refused["code"] == "RATE_LIMITED"
        async with socket_client(desk.port, "2") as other:
            assert await other.ok("ping")


async def test_an_address_far_over_its_sockets_is_refused_at_the_handshake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.access.socket_limits.FAR_OVER", 10)
    async with open_front(RATE_LIMIT_SOCKETS_PER_ADDRESS=1) as (desk, _):
        found = []
        for _ in range(12):
            async with raw(desk.port) as peer:
                await peer.upgrade()
                found.append(await first_line(peer))
        assert found == [b"101"] * 10 + [b"429"] * 2
        assert desk.log.getvalue() == ""


async def first_line(peer: Raw) -> bytes:
    return (await peer.until(b"\r\n")).split()[1]
