"""PostgreSQL's own failover: a streaming replica is promoted under load, and the exchange goes on.

With a synchronous one nothing that was acknowledged is lost; with an asynchronous one what is lost
is found by the tip before anything is traded on top of it.
"""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.faults import told_history
from tests.faults.failover.replicas import Pair, pair
from tests.faults.test_kill import open_floor, verify
from tests.faults.trading_load import Trader, everybody_trades, some_answers
from tests.measured import slowness, tries
from tests.server_process import ServerProcess, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SAID_S = 1.0
BACK_S = 10.0


@pytest.fixture
def both() -> Iterator[Pair]:
    # Where PostgreSQL's account may go, on a disk.
    with TemporaryDirectory(prefix="probity-replicas-") as room:
        Path(room).chmod(0o755)
        with pair(Path(room) / "servers") as made:
            yield made


@pytest.fixture
def dice() -> random.Random:
    seed = int(os.environ.get("PROBITY_TEST_SEED", time.time_ns() % 10**9))
    print(f"PROBITY_TEST_SEED={seed}")
    return random.Random(seed)


@contextlib.contextmanager
def exchange(folder: Path, both: Pair) -> Iterator[ServerProcess]:
    """An exchange that knows both addresses."""
    server = ServerProcess(folder / "data", {"DATABASE_URL": both.url, "LOG_LEVEL": "info"})
    try:
        server.start()
        yield server
    finally:
        server.clean_up()


async def trade(traders: list[Trader], answers: int) -> list[asyncio.Task[None]]:
    """Let everybody trade until nobody gets an answer any more; back after so many answers."""
    tasks = list(everybody_trades(traders, asyncio.Event()))
    await some_answers(traders, sum(len(trader.placings) for trader in traders) + answers)
    return tasks


async def refused(server: ServerProcess, since: float) -> float:
    """Wait until the server says that it takes nothing; return how long after `since`."""
    async with httpx.AsyncClient(base_url=server.url, timeout=5) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/ready")).status_code == 503:
                    return time.monotonic() - since
            assert time.monotonic() - since < 30, server.words()
            await asyncio.sleep(0.01)


async def knocks(server: ServerProcess, stop: asyncio.Event) -> int:
    """Come anew every 20 ms until the end, whatever is said; return how often. One whose connection
    was cut has been heard; raises httpx.ConnectError where nobody listens.
    """
    count = 0
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        while not stop.is_set():
            with contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError):
                await client.get("/ready", headers={"connection": "close"})
            count += 1
            await asyncio.sleep(0.02)
    return count


async def test_a_synchronous_replica_that_is_promoted_has_all_that_was_acknowledged(
    tmp_path: Path, both: Pair, dice: random.Random
) -> None:
    await both.start(is_synchronous=True)
    with exchange(tmp_path, both) as server:
        market, traders = await asyncio.to_thread(open_floor, server, dice)
        tasks = await trade(traders, 150)
        both.primary.stop()
        ended_at = time.monotonic()
        await asyncio.gather(*tasks)
        await both.promote()
        promoted_at = time.monotonic()
        await until(server.is_ready, 60)
        took = time.monotonic() - promoted_at
        print(f"promoted after {promoted_at - ended_at:.2f} s, open {took:.2f} s later")
        assert took < BACK_S * slowness()
        async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
            unknown = sum([await trader.settle(client) for trader in traders])
            async with both.replica.session() as connection:
                await told_history.compare_stored(connection, traders)
            expected = told_history.replay(market, traders)
            await told_history.compare_shown(client, expected, traders)
        print(f"{unknown} without an answer")
        await asyncio.to_thread(verify, server)
        assert await asyncio.to_thread(server.end) == 0


async def test_what_an_asynchronous_replica_lacks_is_found_and_told(
    tmp_path: Path, both: Pair, dice: random.Random
) -> None:
    await both.start(is_synchronous=False)
    with exchange(tmp_path, both) as server:
        _, traders = await asyncio.to_thread(open_floor, server, dice)
        await trade(traders, 50)
        await both.cut()
        before = answered(traders)
        await some_answers(traders, before + 50)
        await asyncio.sleep(0.7)  # the tip follows within half a second
        both.primary.stop()
        await both.promote()
        assert server.process is not None
        assert await asyncio.to_thread(server.process.wait, 60) == 1
        said = server.log.read_text("utf-8").strip().splitlines()[-1]
        async with both.replica.session() as connection:
            ends_at = await connection.fetchval("SELECT last_seq FROM engine_state")
            kept = {row["id"] for row in await connection.fetch("SELECT id FROM orders")}
        print(said)
        assert said.startswith(f"probity: the database ends at {ends_at}, but ")
        assert said.endswith("if a restore was meant, start with --accept-tip")
        lost = [order for order in told_orders(traders) if int(order["seq"]) > ends_at]
        print(f"{len(lost)} acknowledged orders are lost, {len(kept)} are there")
        assert lost
        assert kept.issuperset(
            int(order["id"]) for order in told_orders(traders) if int(order["seq"]) <= ends_at
        )
        assert kept.isdisjoint(int(order["id"]) for order in lost)
        await asyncio.to_thread(server.start, "--accept-tip")
        await asyncio.to_thread(verify, server)
        assert await asyncio.to_thread(server.end) == 0


def answered(traders: list[Trader]) -> int:
    return sum(len(trader.placings) for trader in traders)


def told_orders(traders: list[Trader]) -> list[dict[str, str]]:
    """Return every order that somebody was told is placed."""
    return [
        placing.told.content["order"]
        for trader in traders
        for placing in trader.placings.values()
        if placing.told is not None and placing.told.ok
    ]


async def test_a_restart_of_postgresql_is_said_at_once_and_passed(
    tmp_path: Path, both: Pair, dice: random.Random
) -> None:
    """And nobody is refused, though a new process takes the place of the one before."""
    await both.start(is_synchronous=False)
    with exchange(tmp_path, both) as server:
        market, traders = await asyncio.to_thread(open_floor, server, dice)
        for attempt in tries():
            tasks = await trade(traders, 100)
            stop = asyncio.Event()
            knocking = asyncio.create_task(knocks(server, stop))
            both.primary.stop()
            said = await refused(server, time.monotonic())
            await asyncio.gather(*tasks)
            await asyncio.to_thread(both.primary.start)
            back_at = time.monotonic()
            await until(server.is_ready, 60)
            stop.set()
            assert await knocking
            attempt.takes("503 after s", said, SAID_S)
            attempt.takes("open after PostgreSQL by s", time.monotonic() - back_at, BACK_S)
        async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
            unknown = sum([await trader.settle(client) for trader in traders])
            async with both.primary.session() as connection:
                await told_history.compare_stored(connection, traders)
            expected = told_history.replay(market, traders)
            await told_history.compare_shown(client, expected, traders)
        print(f"{unknown} without an answer")
        assert await asyncio.to_thread(server.end) == 0
