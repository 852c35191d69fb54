"""Nothing is published before it is durable, and what a kill keeps from being so leaves no trace.

What the engine sends to PostgreSQL arrives two seconds late. In that time nobody sees anything of
the order: no socket and no reader over REST, at the engine or at a gateway, nobody at Redis, and
not its sender. Killed in that time, with what was under way lost, nothing of it ever happened.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from persistence.postgres.database import connect
from tests.faults.fleet import SLUG, Fleet
from tests.faults.lines.sightings import Sightings, looking
from tests.faults.proxy.fault_line import DatabaseLine
from tests.gateway.socket_client import SocketClient, socket_client
from tests.lengths import length
from tests.server_process import ServerProcess, until

ENGINE: Final = b"probity engine"
DELAY_S: Final = 2.0
KILLS: Final = length(2, long=40)
_ORDER: Final = {"side": "BUY", "type": "LIMIT", "price": "0.5", "quantity": "1"}
_WAYS: Final = (
    "engine's public socket, trade_executed",
    "engine's maker, order_filled",
    "gateway's public socket, orderbook_update",
    "gateway's maker, balance_updated",
    "engine, orders order-1",
    "engine, markets orderbook",
    "engine, user balance",
    "gateway, orders order-1",
    "gateway, markets orderbook",
    "gateway, markets trades",
    "gateway, user balance",
    "Redis",
    "its sender",
)
"""Where the order is seen in the end, at least: who looks does see."""


@dataclass
class Scene:
    """An engine behind a line, a gateway that isn't, and two who trade."""

    fleet: Fleet
    line: DatabaseLine
    gateway: ServerProcess
    database_url: str
    maker: str
    taker: str

    async def rest(self) -> int:
        """Let the maker rest an order, and everybody have heard of it; return the market's seq."""
        engine = self.fleet.engine
        await asyncio.to_thread(
            engine.call, "POST", f"/orders/{SLUG}", self.maker, {**_ORDER, "outcome": "YES"}
        )
        seq = _public_seq(engine)
        await until(lambda: _public_seq(self.gateway) == seq)
        return seq

    async def take(self, seen: Sightings, at: ServerProcess) -> int:
        """Send the order that meets it; return the status of the answer, 0 if none came."""
        body = {**_ORDER, "outcome": "NO", "clientOrderId": seen.client_order_id}
        url = f"{at.url}/api/v1/orders/{SLUG}"
        headers = {"authorization": f"Bearer {self.taker}"}
        async with httpx.AsyncClient(timeout=30) as client:
            try:
                answer = await client.post(url, headers=headers, json=body)
            except httpx.TransportError:
                return 0
        if answer.status_code == 201:
            seen.saw("its sender")
        return answer.status_code

    @asynccontextmanager
    async def watched(self, seen: Sightings) -> AsyncIterator[None]:
        """Let everybody look who can."""
        async with AsyncExitStack() as stack:
            works = [seen.at_redis(self.fleet.redis.url)]
            for server, name in ((self.fleet.engine, "engine"), (self.gateway, "gateway")):
                for token, who in ((None, "public socket"), (self.maker, "maker")):
                    client = await stack.enter_async_context(socket_client(server.port, token))
                    await _follow(client)
                    works.append(seen.at_socket(f"{name}'s {who}", client))
                works.append(seen.by_rest(server, self.taker, name))
            connection = await connect(self.database_url)
            stack.push_async_callback(connection.close)
            works.append(seen.at_database(connection))
            async with looking(*works):
                await until(lambda: len(seen.looks) == 7, 10)
                yield


async def _follow(client: SocketClient) -> None:
    await client.ok("subscribe:market", {"slug": SLUG})
    await client.until(lambda: client.heard("orderbook_update"))


def _public_seq(server: ServerProcess) -> int:
    return int(server.call("GET", f"/markets/{SLUG}/orderbook")["seq"])


@pytest.fixture
def scene(tmp_path: Path, database_line: DatabaseLine, database_url: str) -> Iterator[Scene]:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, database_line.url, stack)
        (gateway,) = fleet.gateways("gateway", DATABASE_URL=database_url)
        maker, taker = fleet.engine.trader()[1], fleet.engine.trader()[1]
        yield Scene(fleet, database_line, gateway, database_url, maker, taker)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sent_to", ["engine", "gateway"])
async def test_nothing_is_seen_before_it_is_durable(scene: Scene, sent_to: str) -> None:
    seen = Sightings("order-1", await scene.rest())
    async with scene.watched(seen):
        scene.line.delay(DELAY_S, ENGINE, down=False)
        sent_at = time.monotonic()
        server = scene.gateway if sent_to == "gateway" else scene.fleet.engine
        assert await scene.take(seen, server) == 201
        await until(lambda: set(_WAYS) <= seen.first.keys(), 20)
    print(f"looked: {seen.looks}")
    for where, seen_at in sorted(seen.first.items(), key=lambda one: one[1]):
        print(f"{where}: {seen_at - sent_at:.2f} s after it was sent")
    print(f"not durable until {seen.absent_at - sent_at:.2f} s; nothing was seen before then")
    assert seen.absent_at - sent_at > DELAY_S - 0.2
    assert seen.escaped() == {}
    scene.line.heal()
    assert await asyncio.to_thread(scene.fleet.engine.end) == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_before_it_is_durable_it_leaves_no_trace(scene: Scene) -> None:
    for number in range(KILLS):
        at = scene.gateway if number % 2 else scene.fleet.engine
        seen = Sightings(f"order-{number}", await scene.rest())
        async with scene.watched(seen):
            scene.line.delay(DELAY_S, ENGINE, down=False)
            sending = asyncio.create_task(scene.take(seen, at))
            held = time.monotonic() + DELAY_S * (number + 1) / (KILLS + 1)
            await until(lambda: time.monotonic() > held)  # noqa: B023 - waited for at once
            scene.fleet.engine.kill()
            scene.line.cut()
            assert await sending in ({503, 504} if at is scene.gateway else {0})
            await until(lambda: not scene.gateway.is_ready(), 10)
            scene.line.heal()
            await asyncio.to_thread(scene.fleet.engine.start)
            await until(scene.gateway.is_ready)
            for server in (scene.fleet.engine, scene.gateway):
                assert _public_seq(server) == seen.market_seq
            assert not seen.is_durable
        assert seen.first == {}
        print(f"kill {number + 1}: no trace at {len(seen.looks)} clients")
        for server in (scene.fleet.engine, scene.gateway):
            path = f"/orders/by-client-id/{seen.client_order_id}"
            assert server.status(path, scene.taker) == 404
        assert await scene.take(seen, scene.fleet.engine) == 201
    assert await asyncio.to_thread(scene.fleet.engine.end) == 0
    assert scene.fleet.engine.run("verify").returncode == 0
