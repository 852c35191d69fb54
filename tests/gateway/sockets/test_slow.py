"""Readers that don't read: a real connection whose TCP window closes, beside one that keeps up."""

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exchange.messages.commands import CancelAll, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, Outcome
from gateway.markets.views import book_levels
from gateway.sockets.framing.outbound import BURST
from gateway.sockets.framing.transport import transport_of
from gateway.sockets.link import SLOW_CONSUMER
from tests.gateway.commit_fake import CommitFake
from tests.gateway.socket_client import BookModel, socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.waiting import eventually

BOUND = 64


class StalledReader:
    """A WebSocket client by hand on a socket with a tiny window, read only when asked."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.loop = asyncio.get_running_loop()
        self._rest = b""

    async def send(self, text: str) -> None:
        payload = text.encode()
        length = struct.pack("!H", len(payload))
        frame = b"\x81" + bytes([0x80 | 126]) + length + bytes(4) + payload
        await self.loop.sock_sendall(self.connection, frame)

    async def frames(self) -> AsyncIterator[tuple[int, bytes]]:
        """Read (opcode, payload) until the end of the connection."""
        while True:
            head = await self._take(2)
            if not head:
                return
            length = head[1] & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self._take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self._take(8))
            yield head[0] & 0x0F, await self._take(length)

    async def messages(self) -> AsyncIterator[tuple[str, Any]]:
        async for opcode, payload in self.frames():
            text = payload.decode(errors="replace")
            if opcode == 1 and text.startswith("42"):
                name, data = json.loads(text[2:])
                yield name, data
            elif opcode == 8:
                yield "close", payload[2:].decode()

    async def _take(self, count: int) -> bytes:
        while len(self._rest) < count:
            more = await self.loop.sock_recv(self.connection, 65_536)
            if not more:
                return b""
            self._rest += more
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken


@asynccontextmanager
async def stalled_reader(desk: SocketDesk, joining: str) -> AsyncIterator[StalledReader]:
    """Connect, join, send one event, and read nothing more of one's own accord."""
    connection = socket.socket()
    with connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setblocking(False)
        reader = StalledReader(connection)
        await reader.loop.sock_connect(connection, ("127.0.0.1", desk.port))
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            "GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: probity\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        await reader.loop.sock_sendall(connection, request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await reader.loop.sock_recv(connection, 65_536)
        reader._rest = answer.partition(b"\r\n\r\n")[2]
        await reader.send(joining)
        await reader.send('42["subscribe:market",{"slug":"rain"}]')
        async for name, data in reader.messages():
            if name == "orderbook_update" and data["outcome"] == "NO":
                break
        yield reader


def trade(engine: CommitFake) -> None:
    """One trade: a resting order and one that takes it whole."""
    engine.run(
        PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 100, GTC),
        PlaceOrder(2, 1, BUY, NO, LIMIT, 5_000, 100, GTC),
    )


@pytest.fixture(autouse=True)
def soon_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.access.connections.CLOSING_SECONDS", 0.5)


@pytest.fixture(autouse=True)
def small_kernel_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test's feed is soon more than the kernel takes."""
    monkeypatch.setattr("gateway.sockets.framing.transport.KERNEL_BUFFER_BYTES", 8_192)


async def test_a_stalled_reader_is_closed_and_costs_nobody_else_anything() -> None:
    async with (
        open_socket_desk(SOCKET_SEND_QUEUE_SIZE=BOUND) as desk,
        socket_client(desk.port) as quick,
        stalled_reader(desk, "40") as _stalled,
    ):
        await quick.ok("subscribe:market", {"slug": "rain"})
        links = list(desk.sockets.server.links)
        slow = links[1]
        longest = 0
        async with asyncio.timeout(60):
            while slow.is_open:
                trade(desk.engine)
                longest = max(longest, len(slow.outbound))
                await asyncio.sleep(0)
        assert slow.close_reason == SLOW_CONSUMER
        assert longest <= BOUND * BURST
        assert len(slow.outbound) == 0
        assert desk.metric("slow_consumers_closed_total") == 1
        await eventually(lambda: slow not in desk.sockets.server.links)
        for _ in range(20):
            trade(desk.engine)
        await quick.until(lambda: len(quick.heard("trade_executed")) == desk.market().trade_no)
        numbers = [message["tradeNo"] for message in quick.heard("trade_executed")]
        assert numbers == list(range(1, desk.market().trade_no + 1))
        books = [m for m in quick.heard("orderbook_update") if m["outcome"] == "YES"]
        model = BookModel()
        for message in books:
            model.apply(message)


async def test_a_reader_closed_as_slow_learns_the_reason_if_it_reads_on() -> None:
    async with (
        open_socket_desk(SOCKET_SEND_QUEUE_SIZE=BOUND) as desk,
        stalled_reader(desk, "40") as stalled,
    ):
        (slow,) = desk.sockets.server.links
        while slow.is_open:
            trade(desk.engine)
        heard = [message async for message in stalled.messages()]
        assert heard[-1] == ("close", SLOW_CONSUMER)
        numbers = [data["tradeNo"] for name, data in heard if name == "trade_executed"]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_a_slow_reader_s_books_are_conflated_and_stay_true() -> None:
    """Thousands of changes while it doesn't read, then it reads on: the model is whole."""
    async with (
        open_socket_desk(people=3, SOCKET_SEND_QUEUE_SIZE=BOUND) as desk,
        stalled_reader(desk, "40") as stalled,
    ):
        (slow,) = desk.sockets.server.links
        for turn in range(3_000):
            desk.engine.run(
                PlaceOrder(1 + turn % 3, 1, BUY, YES, LIMIT, 100 * (1 + turn % 49), 1, GTC)
            )
            if turn % 500 == 499:
                desk.engine.run(CancelAll(1 + turn % 3, None))
            if turn % 100 == 0:
                await asyncio.sleep(0)
        assert slow.is_open
        assert 0 < len(slow.outbound) < BOUND
        models = {outcome: BookModel() for outcome in Outcome}
        for model in models.values():
            model.seq = 1
        last = desk.market().seq
        async with asyncio.timeout(60):
            async for name, data in stalled.messages():
                if name == "orderbook_update":
                    models[Outcome(data["outcome"])].apply(data)
                if all(model.seq == last for model in models.values()):
                    break
        for outcome, model in models.items():
            assert model.levels() == book_levels(desk.market(), outcome, 10_000)
            assert max(model.spans) > 100


async def test_private_messages_are_never_dropped_silently() -> None:
    """A trader who stops reading is closed; until then every account sequence is there."""
    async with (
        open_socket_desk(SOCKET_SEND_QUEUE_SIZE=BOUND) as desk,
        stalled_reader(desk, '40{"token":"1"}') as stalled,
    ):
        (slow,) = desk.sockets.server.links
        while slow.is_open:
            trade(desk.engine)
        sequences = [
            data["accountSeq"]
            async for name, data in stalled.messages()
            # A fill stands under its order's number.
            if name not in {"heartbeat", "close", "order_filled"} and "accountSeq" in data
        ]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


async def test_a_client_that_floods_pings_and_reads_nothing_piles_nothing_up() -> None:
    async with (
        open_socket_desk(SOCKET_OTHER_FRAMES_MAX=100_000) as desk,
        stalled_reader(desk, "40") as stalled,
    ):
        (slow,) = desk.sockets.server.links
        ping = b"\x89" + bytes([0x80 | 125]) + bytes(4) + b"x" * 125
        for _ in range(400):
            await stalled.loop.sock_sendall(stalled.connection, ping * 50)
        read_before = desk.metric("websocket_messages_total", direction="in")
        await stalled.send('42["ping"]')
        await eventually(
            lambda: desk.metric("websocket_messages_total", direction="in") > read_before
        )
        transport = slow._transport.transport
        assert transport.get_write_buffer_size() < 512 * 1_024


async def test_a_peer_that_answers_no_ping_is_cut_off_though_its_window_is_closed() -> None:
    """WebSocket's own ping, which finds a host that is gone; Engine.IO's comes later."""
    async with (
        open_socket_desk(
            SOCKET_PING_INTERVAL_SECONDS="0.2", SOCKET_PING_TIMEOUT_SECONDS="0.2"
        ) as desk,
        stalled_reader(desk, "40"),
    ):
        (silent,) = desk.sockets.server.links
        await eventually(lambda: silent not in desk.sockets.server.links, seconds=5)


async def test_an_end_is_asked_for_once() -> None:
    async with open_socket_desk() as desk, stalled_reader(desk, "40") as stalled:
        (link,) = desk.sockets.server.links
        transport = link._transport
        link.close("first")
        transport.finish(1000, "second")
        assert [data async for name, data in stalled.messages() if name == "close"] == ["first"]
        await eventually(lambda: link not in desk.sockets.server.links)
        transport.finish(1000, "third")


def test_sockets_need_our_transport() -> None:
    with pytest.raises(RuntimeError, match="ws=SocketTransport"):
        transport_of({})
