"""Servers that are stopped: frozen in the middle of a commit, and ended orderly under load."""

import asyncio
import itertools
import random
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.faults import told_history
from tests.faults.conftest import MakeServer
from tests.faults.fleet import Fleet
from tests.faults.test_database_outage import settled
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import everybody_trades, some_answers
from tests.lengths import length
from tests.measured import tries
from tests.server_process import ADMIN_PASSWORD, ServerProcess

FREEZES = length(5, long=200)
LONGEST_LOCK_SECONDS = 2.0
SECOND_START_SECONDS = 5.0
TABLES = "engine_state, journal, accounts, markets, positions, orders, trades, ledger, idempotency"


@pytest.fixture
def home(disk: Path) -> Path:
    """On a disk: a commit has to last long enough to be met in the middle."""
    return disk


async def test_a_frozen_server_holds_no_lock(make_server: MakeServer) -> None:
    """Whoever comes gets every table for itself within two seconds, wherever the server stands."""
    # Once a day: the checker's look holds what it reads for as long as it takes.
    server = make_server(CHECK_INTERVAL="1d")
    server.start()
    seed = time.time_ns() % 10**9
    print(f"seed {seed}")
    rng = random.Random(seed)
    market, traders = await asyncio.to_thread(open_floor, server, rng)
    stop = asyncio.Event()
    tasks = list(everybody_trades(traders, stop))
    assert server.process is not None
    numbers = itertools.count(1)
    async with server.database() as connection:
        for attempt in tries():
            longest = 0.0
            for _ in range(FREEZES):
                await some_answers(traders, 40 * next(numbers))
                await asyncio.sleep(rng.uniform(0, 0.02))  # anywhere in a batch
                server.process.send_signal(signal.SIGSTOP)
                started = time.monotonic()
                async with connection.transaction():
                    await connection.execute("SET LOCAL lock_timeout = '30s'")
                    await connection.execute(f"LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE")
                longest = max(longest, time.monotonic() - started)
                server.process.send_signal(signal.SIGCONT)
            attempt.takes("the longest wait for all tables, s", longest, LONGEST_LOCK_SECONDS)
    stop.set()
    await asyncio.gather(*tasks)
    assert await settled(server, market, traders) == 0, "a thawed server answers everything"
    assert await asyncio.to_thread(server.end) == 0


async def test_an_orderly_end_under_load_answers_what_it_took(server: ServerProcess) -> None:
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(5))
    me = await asyncio.to_thread(server.call, "GET", "/auth/me", traders[0].token)
    tasks = list(everybody_trades(traders, asyncio.Event()))
    await some_answers(traders, 200)
    started = time.monotonic()
    assert await asyncio.to_thread(server.end) == 0
    print(f"ended in {time.monotonic() - started:.2f} s")
    await asyncio.gather(*tasks)
    took = await asyncio.to_thread(server.start_within, SECOND_START_SECONDS)
    print(f"the second start took {took:.2f} s")
    async with server.database() as connection:
        # Nothing is asked again first: what was taken was answered, before the end.
        await told_history.compare_stored(connection, traders)
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1") as client:
        await told_history.compare_shown(client, told_history.replay(market, traders), traders)
    assert await asyncio.to_thread(server.call, "GET", "/auth/me", traders[0].token) == me
    credentials = {"email": me["user"]["email"], "password": ADMIN_PASSWORD}
    again = await asyncio.to_thread(server.call, "POST", "/auth/login", "", credentials)
    assert again["user"] == me["user"]
    assert await asyncio.to_thread(server.end, signal.SIGINT) == 0


async def test_a_stop_during_the_start_leaves_nothing(server: ServerProcess) -> None:
    assert await asyncio.to_thread(server.end) == 0
    rng = random.Random(6)
    for _ in range(4):
        server.launch()
        await asyncio.sleep(rng.uniform(0.3, 1.5))  # anywhere in the start
        await asyncio.to_thread(server.end)
    await asyncio.to_thread(server.start)
    assert await asyncio.to_thread(server.end) == 0


async def test_a_gateway_ends_orderly(fleet: Fleet) -> None:
    gateway = await asyncio.to_thread(fleet.gateway)
    code = await asyncio.to_thread(gateway.end)
    assert code == 0, gateway.words()
