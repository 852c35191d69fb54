"""A venue that says more than anybody can read: orders are acknowledged meanwhile."""

import asyncio
import itertools

import msgspec
import pytest

from tests.gateway.feeds.live.stage import (
    QUICK_SOCKET,
    BookReader,
    Stage,
    change_frame,
    market_id,
    open_stage,
    quicken,
)
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.waiting import eventually
from tests.lengths import length
from tests.measured import tries

# Wide, too: floods of two tries may come within one second, and are no reason to leave.
PATIENT = msgspec.structs.replace(QUICK_SOCKET, silent_s=10.0, flood_per_s=100_000)


class Lag:
    """How late the event loop comes to whoever sleeps a moment."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(0.001)
            self.seconds.append(loop.time() - begun - 0.001)

    def end(self) -> float:
        """Return the most it was late but for one in a hundred."""
        self._task.cancel()
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


def flood(stage: Stage, count: int) -> None:
    """Put so many changes on the wire at once, as one write."""
    [connection] = stage.venue.socket.live
    for step in stage.flow.steps(count):
        connection.protocol.send_text(change_frame(step.levels, stage.flow).encode())
    connection.transport.write(b"".join(connection.protocol.data_to_send()))


async def trade(client: SocketClient, seconds: list[float]) -> None:
    """Place orders one behind the other, and note how long each took."""
    loop = asyncio.get_running_loop()
    order = {"market": "rain", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
    for number in itertools.count():
        begun = loop.time()
        price = f"0.{1 + number % 40:02d}"
        await client.ok("order:place", {**order, "price": price, "quantity": "1"})
        seconds.append(loop.time() - begun)


async def test_a_flood_delays_no_ack(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)
    async with (
        open_stage(database_url, socket=PATIENT) as stage,
        socket_client(stage.port, "1") as client,
        socket_client(stage.port) as watcher,
    ):
        await watcher.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(watcher)
        await reader.until(stage.flow.bids, stage.flow.asks)
        count = length(3_000, long=4_500)
        for attempt in tries():
            acks, heard = list[float](), len(reader.kinds)
            flood(stage, count)
            lag, trading = Lag(), asyncio.create_task(trade(client, acks))
            await reader.until(stage.flow.bids, stage.flow.asks)
            late = lag.end()
            # A fast machine is through with it after fewer; the slowest is held to the bound below.
            await eventually(lambda acks=acks: len(acks) > 20)  # type: ignore[misc]
            trading.cancel()
            assert len(acks) > 20, "orders went on"
            assert len(reader.kinds) - heard < count / 4, "conflated"
            # A message at a time it would be a second.
            attempt.takes("p99 of acks, s", sorted(acks)[int(len(acks) * 0.99)], 0.3)
            attempt.takes("p99 of the loop's lateness, s", late, 0.1)


async def test_a_venue_that_floods_on_is_left_and_comes_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(monkeypatch)
    bounds = msgspec.structs.replace(PATIENT, flood_per_s=200)
    async with open_stage(database_url, socket=bounds) as stage, socket_client(stage.port) as one:
        await one.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(one)
        first = dict(stage.flow.bids), dict(stage.flow.asks)
        await reader.until(*first)
        flood(stage, 1_000)
        await eventually(lambda: stage.venue.socket.opened == 2)
        await one.until(lambda: reader.snapshots() == 2)
        # The stand-in begins each connection with the same book.
        await reader.until(*first)
