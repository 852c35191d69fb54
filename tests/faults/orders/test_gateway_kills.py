"""`kill -9` of gateways and of the engine under load through gateways, with clients that ask again:
what was acknowledged is there, nothing happens twice; and the same where Redis forgets, or
remembers what was long ago.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable

import httpx
import pytest

from tests.faults import told_history
from tests.faults.fleet import SLUG, Fleet, becomes_ready, metric
from tests.faults.trading_load import Trader, answered, everybody_trades, some_answers
from tests.lengths import length
from tests.server_process import ServerProcess, until

KILLS = length(5, long=100)
REDIS_ROUNDS = length(1, long=10)
TRADERS = 4
LONGEST_ROUND = 100
BACK_S = 60.0


def _rng() -> random.Random:
    seed = int(os.environ.get("PROBITY_TEST_SEED", time.time_ns() % 10**9))
    print(f"PROBITY_TEST_SEED={seed}")
    return random.Random(seed)


class Floor:
    """Traders at two gateways, and what they were told."""

    def __init__(self, fleet: Fleet, rng: random.Random) -> None:
        self.fleet = fleet
        self.rng = rng
        self.gateways = fleet.gateways("one", "two")
        self.market = fleet.engine.call("GET", f"/markets/{SLUG}")
        self.traders = []
        for number in range(TRADERS):
            server = self.gateways[number % 2]
            user_id, token = server.trader()
            lane = random.Random(rng.random())
            self.traders.append(Trader(server, SLUG, user_id, token, lane))

    async def round(self, harm: Callable[[], ServerProcess | None]) -> str:
        """Trade, do harm at a random moment, put it right, ask again; return a line of figures."""
        before = {trader.id: len(trader.placings) for trader in self.traders}
        stop = asyncio.Event()
        tasks = list(everybody_trades(self.traders, stop))
        moment = self.rng.randint(1, LONGEST_ROUND)
        told = answered(self.traders)
        await some_answers(self.traders, told + moment)
        await asyncio.sleep(self.rng.uniform(0, 0.02))  # anywhere in a batch
        harmed = await asyncio.to_thread(harm)
        harmed_at = time.monotonic()
        stop.set()
        if harmed is not None:
            await asyncio.to_thread(harmed.start)
        await asyncio.gather(*tasks)
        waited = time.monotonic() - harmed_at
        for server in (self.fleet.engine, *self.gateways):
            await becomes_ready(server, BACK_S)
            await self._takes_commands(server)
        unknown = await self._settle(before)
        async with self.fleet.engine_database() as connection:
            await told_history.compare_stored(connection, self.traders)
        told_history.replay(self.market, self.traders)
        return f"at answer {moment}: {unknown} without an answer; all answered in {waited:.2f} s"

    async def _takes_commands(self, server: ServerProcess) -> None:
        """Wait until the engine is reached: a stream that was lost is made anew in a moment."""
        url, headers = f"{server.url}/api/v1/orders/999999999", self.traders[0].headers
        await until(lambda: httpx.delete(url, headers=headers).status_code == 404, BACK_S)

    async def _settle(self, before: dict[int, int]) -> int:
        """Ask again for what has no answer, and once more for what had one, elsewhere."""
        unknown = 0
        for trader, server in zip(self.traders, self.gateways[::-1] * TRADERS, strict=False):
            url = f"{server.url}/api/v1"
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                new = list(trader.placings.values())[before[trader.id] :]
                known = [placing for placing in new if placing.told is not None]
                unknown += await trader.settle(client)
                await trader.repeat(client, known[-10:])
        return unknown


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_kills_of_gateways_and_engine_lose_nothing_and_repeat_nothing(fleet: Fleet) -> None:
    rng = _rng()
    floor = await asyncio.to_thread(Floor, fleet, rng)
    victims = [fleet.engine, *floor.gateways]
    for number in range(1, KILLS + 1):
        victim = victims[number % 2 and rng.randint(1, 2)]

        def kill(victim: ServerProcess = victim) -> ServerProcess:
            victim.kill()
            return victim

        name = "the engine" if victim is fleet.engine else "a gateway"
        print(f"kill {number:2} of {name}: {await floor.round(kill)}")
    done = await asyncio.to_thread(fleet.engine.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_redis_forgets_or_is_put_back_and_money_is_unchanged(fleet: Fleet) -> None:
    rng = _rng()
    floor = await asyncio.to_thread(Floor, fleet, rng)
    redis = fleet.redis

    def flush() -> None:
        redis.command("FLUSHALL")

    def put_back() -> None:
        redis.kill()
        redis.start()

    for _ in range(REDIS_ROUNDS):
        print(f"flushed: {await floor.round(flush)}")
        assert redis.command("SAVE") == b"+OK\r\n"
        await floor.round(lambda: None)
        print(f"put back: {await floor.round(put_back)}")
    made = metric(fleet.engine, 'command_stream_entries_total{fate="made"}')
    print(f"the stream was made {made:.0f} times")
    assert made > REDIS_ROUNDS
    done = await asyncio.to_thread(fleet.engine.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
