"""`kill -9` at random moments under load: what was acknowledged is there, nothing happens twice."""

import asyncio
import os
import random
import time
from pathlib import Path

import httpx
import pytest

from tests.faults import told_history
from tests.faults.trading_load import Trader, answered, everybody_trades, some_answers
from tests.lengths import length
from tests.server_process import ServerProcess

KILLS = length(6, long=200)
PROVED_EVERY = length(3, long=5)
TRADERS = 4
LONGEST_ROUND = 200
SLUG = "rain-tomorrow"


@pytest.fixture
def home(disk: Path) -> Path:
    """On a disk: a commit has to last long enough to be met in the middle."""
    return disk


def open_floor(server: ServerProcess, rng: random.Random) -> tuple[dict[str, object], list[Trader]]:
    """List a market with fees and register its traders."""
    market = server.market(SLUG, makerFee="0.01", takerFee="0.02", feeModel="quadratic")
    traders = []
    for _ in range(TRADERS):
        user_id, token = server.trader()
        traders.append(Trader(server, SLUG, user_id, token, random.Random(rng.random())))
    return market, traders


def kill(server: ServerProcess, rng: random.Random, *, database_too: bool) -> None:
    """Kill the server, and its database with it, in either order."""
    ends = [server.kill, server.kill_database] if database_too else [server.kill]
    rng.shuffle(ends)
    for end in ends:
        end()


def verify(server: ServerProcess) -> None:
    """`probity verify` finds nothing wrong."""
    done = server.run("verify")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


async def one_round(
    server: ServerProcess, traders: list[Trader], rng: random.Random, *, database_too: bool
) -> str:
    """Trade, kill at a random moment, restart, ask again; return a line of figures."""
    stop = asyncio.Event()
    told_before = {trader.id: len(trader.placings) for trader in traders}
    tasks = list(everybody_trades(traders, stop))
    moment = rng.randint(1, LONGEST_ROUND)
    await some_answers(traders, moment + sum(told_before.values()))
    await asyncio.sleep(rng.uniform(0, 0.02))  # anywhere in a batch
    kill(server, rng, database_too=database_too)
    stop.set()
    await asyncio.gather(*tasks)
    restart = await asyncio.to_thread(server.start)
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
        answered = {
            trader.id: [
                placing
                for placing in list(trader.placings.values())[told_before[trader.id] :]
                if placing.told is not None
            ]
            for trader in traders
        }
        unknown = sum(await asyncio.gather(*(trader.settle(client) for trader in traders)))
        await asyncio.gather(*(t.repeat(client, answered[t.id]) for t in traders))
    async with server.database() as connection:
        await told_history.compare_stored(connection, traders)
    again = sum(
        placing.told is not None and placing.told.replayed
        for trader in traders
        for placing in list(trader.placings.values())[told_before[trader.id] :]
    )
    return (
        f"at answer {moment}, database {'too' if database_too else 'spared'}:"
        f" {sum(map(len, answered.values()))} answered, {unknown} unknown of which {again} had"
        f" happened; up again in {restart:.2f} s"
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_kills_lose_nothing_and_repeat_nothing(server: ServerProcess) -> None:
    seed = int(os.environ.get("PROBITY_TEST_SEED", time.time_ns() % 10**9))
    print(f"PROBITY_TEST_SEED={seed}")
    rng = random.Random(seed)
    market, traders = await asyncio.to_thread(open_floor, server, rng)
    with_database = [True, False] * (KILLS // 2)
    rng.shuffle(with_database)
    for number, database_too in enumerate(with_database, start=1):
        line = await one_round(server, traders, rng, database_too=database_too)
        print(f"kill {number:2}: {line}")
        told_history.replay(market, traders)
        if number % PROVED_EVERY == 0:
            await asyncio.to_thread(verify, server)
    acknowledged = answered(traders)
    print(f"{len(with_database)} kills, {acknowledged} acknowledged: 0 lost, 0 executed twice")
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1") as client:
        await told_history.compare_shown(client, told_history.replay(market, traders), traders)
    assert await asyncio.to_thread(server.end) == 0
    await asyncio.to_thread(verify, server)
