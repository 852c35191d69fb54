"""A venue's socket: whatever ends or freezes it, it is opened again, and its user is told."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from gateway.feeds.upstream.reconnecting import Closed, Opened, Reconnecting, SocketBounds
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.gateway.waiting import eventually
from tests.venues.socket_stand_in import SocketStandIn

QUICK = SocketBounds(
    open_s=1.0,
    ping_s=0.1,
    silent_s=0.4,
    close_s=0.1,
    first_pause_s=0.02,
    longest_pause_s=0.1,
    well_s=60.0,
    message_bytes=10_000,
    flood_per_s=200,
)


class Reader:
    """Iterates a socket in a task of its own and keeps what it is told."""

    def __init__(
        self,
        url: str,
        bounds: SocketBounds = QUICK,
        overdue_s: float = 60.0,
        *,
        pings: bool = False,
    ) -> None:
        self.metrics = Metrics()
        self.told: list[Opened | Closed | str] = []
        self.socket = Reconnecting(
            "test",
            url,
            self.metrics.upstream,
            configure_logs("info", io.StringIO()),
            overdue=lambda silent: "no data" if silent > overdue_s else None,
            ping="PING" if pings else None,
            pong="PONG" if pings else None,
            bounds=bounds,
        )
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with aclosing(self.socket.heard()) as heard:
            async for told in heard:
                self.told.append(told)
                if isinstance(told, Opened):
                    await self.socket.send(["subscribe"])

    def opened(self) -> int:
        return sum(isinstance(told, Opened) for told in self.told)

    def reasons(self) -> list[str]:
        return [told.reason for told in self.told if isinstance(told, Closed)]

    def counted(self, result: str) -> float:
        labels = {"platform": "test", "endpoint": "socket", "result": result}
        return self.metrics.registry.get_sample_value("upstream_requests_total", labels) or 0.0


@asynccontextmanager
async def reading(
    venue: SocketStandIn,
    bounds: SocketBounds = QUICK,
    overdue_s: float = 60.0,
    *,
    pings: bool = False,
) -> AsyncIterator[Reader]:
    async with venue.running():
        reader = Reader(venue.url, bounds, overdue_s, pings=pings)
        try:
            yield reader
        finally:
            reader.task.cancel()
            await asyncio.gather(reader.task, return_exceptions=True)


def echo() -> SocketStandIn:
    async def talk(connection: ServerConnection) -> None:
        async for text in connection:
            venue.heard.append(str(text))
            if text == "PING":
                await connection.send("PONG")
            else:
                await connection.send(f"re: {text!s}")

    venue = SocketStandIn(talk)
    return venue


def said(told: Sequence[object], text: str, times: int) -> bool:
    return sum(one == text for one in told) == times


async def test_it_subscribes_anew_whenever_it_was_dropped() -> None:
    venue = echo()
    async with reading(venue) as reader:
        for number in range(1, 4):
            await eventually(partial(said, venue.heard, "subscribe", number))
            await eventually(partial(said, reader.told, "re: subscribe", number))
            venue.drop()
        await eventually(lambda: reader.opened() == 4)
        kinds = [type(told) for told in reader.told[:6]]
        assert kinds == [Opened, str, Closed, Opened, str, Closed]
        assert reader.counted("dropped") == 3
        condition = reader.socket.condition()
        assert condition.last_success_at is not None
        assert condition.last_error is not None
        assert condition.counts["messages"] >= 3


async def test_a_venue_that_is_away_is_tried_with_growing_pauses() -> None:
    venue = echo()
    venue.refuse = HTTPStatus.SERVICE_UNAVAILABLE
    async with reading(venue) as reader:
        await eventually(lambda: len(reader.reasons()) >= 4)
        assert set(reader.reasons()) == {"status 503"}
        assert reader.socket.condition().failures >= 4
        assert reader.socket.condition().breaker == "open"
        assert await reader.socket.send(["lost"]) is False
        venue.refuse = None
        await eventually(lambda: "re: subscribe" in reader.told)
        assert reader.socket.condition().breaker == "closed"


async def test_a_port_where_nobody_listens_is_tried_again() -> None:
    venue = echo()
    async with venue.running():
        url = venue.url
    reader = Reader(url, QUICK, 60.0, pings=False)
    await eventually(lambda: len(reader.reasons()) >= 2)
    assert reader.counted("unreachable") >= 2
    reader.task.cancel()
    await asyncio.gather(reader.task, return_exceptions=True)


@pytest.mark.parametrize("pings", [True, False])
async def test_a_connection_without_even_a_pong_is_left(pings: bool) -> None:
    venue = echo()
    async with reading(venue, pings=pings) as reader:
        await eventually(lambda: "re: subscribe" in reader.told)
        venue.freeze()
        await eventually(lambda: reader.opened() == 2)
        assert reader.counted("silent") + reader.counted("dropped") == 1


async def test_a_connection_that_only_answers_pings_is_left_when_data_is_overdue() -> None:
    async def pong_alone(connection: ServerConnection) -> None:
        async for text in connection:
            if text == "PING":
                await connection.send("PONG")

    venue = SocketStandIn(pong_alone)
    async with reading(venue, overdue_s=0.8, pings=True) as reader:
        await eventually(lambda: reader.opened() == 2)
        assert reader.counted("frozen") == 1
        assert reader.reasons() == ["no data"]


async def test_a_quiet_connection_is_kept_while_nothing_is_due() -> None:
    async with reading(echo(), pings=True) as reader:
        await eventually(lambda: "re: subscribe" in reader.told)
        await asyncio.sleep(3 * QUICK.silent_s)
        assert (reader.opened(), reader.reasons()) == (1, [])


async def test_a_message_beyond_the_bound_ends_the_connection() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * (QUICK.message_bytes + 1))
        await connection.wait_closed()

    async with reading(SocketStandIn(talk)) as reader:
        await eventually(lambda: len(reader.reasons()) >= 1)
        assert not [told for told in reader.told if isinstance(told, str)]


async def test_a_flood_is_left_and_costs_the_loop_little() -> None:
    async def flood(connection: ServerConnection) -> None:
        while True:
            await connection.send("x" * 100)

    bounds = msgspec.structs.replace(QUICK, first_pause_s=30.0)
    async with reading(SocketStandIn(flood), bounds) as reader:
        await eventually(lambda: reader.counted("flood") == 1)
        assert len(reader.told) == QUICK.flood_per_s + 2


async def test_what_nobody_reads_stays_with_the_venue() -> None:
    sent = 0

    async def flood(connection: ServerConnection) -> None:
        nonlocal sent
        while True:
            await connection.send("x" * 9_000)
            sent += 1

    venue = SocketStandIn(flood)
    async with venue.running():
        socket = Reconnecting(
            "test",
            venue.url,
            Metrics().upstream,
            configure_logs("info", io.StringIO()),
            overdue=lambda _: None,
            bounds=QUICK,
        )
        async with aclosing(socket.heard()) as heard:
            assert isinstance(await anext(heard), Opened)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            assert sent * 9_000 < 16 << 20


async def test_each_connection_has_headers_of_its_own() -> None:
    venue = echo()
    made = 0

    async def headers() -> dict[str, str]:
        nonlocal made
        made += 1
        return {"x-signature": str(made)}

    async with venue.running():
        socket = Reconnecting(
            "test",
            venue.url,
            Metrics().upstream,
            configure_logs("info", io.StringIO()),
            overdue=lambda _: None,
            headers=headers,
            bounds=QUICK,
        )
        async with aclosing(socket.heard()) as heard:
            async for told in heard:
                if isinstance(told, Opened):
                    if made == 2:
                        break
                    venue.drop()
        assert [one["x-signature"] for one in venue.handshakes] == ["1", "2"]


async def test_the_end_of_reading_closes_the_connection() -> None:
    venue = echo()
    async with reading(venue) as reader:
        await eventually(lambda: "re: subscribe" in reader.told)
        reader.task.cancel()
        await asyncio.gather(reader.task, return_exceptions=True)
        await eventually(lambda: not venue.live)
