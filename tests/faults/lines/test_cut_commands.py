"""A gateway's line to Redis is cut behind any byte of a command or of its answer: it is done once.

The orders of a few traders go through a gateway. Whatever became of a command or of its answer, its
sender is answered, told "unknown" or refused as not taken; asked again under the same ids, at the
engine, every order is there once, with the answer that it would have had.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.faults.fleet import SLUG, Fleet
from tests.faults.proxy.fault_line import FaultLine
from tests.faults.test_database_outage import settled
from tests.faults.test_kill import TRADERS
from tests.faults.trading_load import Placing, Trader
from tests.lengths import length
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, until

POINTS: Final = length(3, long=200)
"""Of what goes to Redis; and as many of what comes from it."""


@dataclass
class Scene:
    """A fleet, a gateway whose way to Redis is a line, and traders who send their orders there."""

    fleet: Fleet
    gateway: ServerProcess
    line: FaultLine

    def open_floor(self) -> tuple[dict[str, object], list[Trader]]:
        rng, engine = random.Random(29), self.fleet.engine
        traders = []
        for _ in range(TRADERS):
            user_id, token = engine.trader()
            traders.append(Trader(self.gateway, SLUG, user_id, token, random.Random(rng.random())))
        return engine.call("GET", f"/markets/{SLUG}"), traders


@pytest.fixture
def scene(tmp_path: Path, database_url: str) -> Iterator[Scene]:
    with ExitStack() as stack:
        folder = tmp_path / "far"
        folder.mkdir()
        redis = RedisProcess(folder)
        stack.callback(redis.clean_up)
        redis.start()
        line = stack.enter_context(FaultLine(("127.0.0.1", redis.port)))
        fleet = Fleet(tmp_path, database_url, stack, REDIS_URL=redis.url)
        url = f"redis://127.0.0.1:{line.port}/0"
        (gateway,) = fleet.gateways("gateway", REDIS_URL=url)
        yield Scene(fleet, gateway, line)


async def orders(gateway: ServerProcess, traders: list[Trader]) -> list[Placing]:
    """Let each trader send an order at the same time; return them, some of them unanswered."""
    sent = [trader.new_placing() for trader in traders]
    async with httpx.AsyncClient(base_url=f"{gateway.url}/api/v1", timeout=30) as client:

        async def place(trader: Trader, placing: Placing) -> None:
            placing.told = await trader.post(client, placing.body)

        await asyncio.gather(*map(place, traders, sent))
    return sent


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_cut_behind_any_byte_a_command_is_done_once(scene: Scene, database_url: str) -> None:
    market, traders = await asyncio.to_thread(scene.open_floor)
    line, gateway = scene.line, scene.gateway
    assert all(placing.told is not None for placing in await orders(gateway, traders))
    before = line.passed()
    await orders(gateway, traders)
    most = [after - begun for begun, after in zip(before, line.passed(), strict=True)]
    cuts = 0
    for of_answers in (False, True):
        unanswered = happened = 0
        for number in range(POINTS):
            count = round(most[of_answers] * number / (POINTS - 1))
            connections = line.connections()
            line.cut_after(count, of_answers=of_answers)
            sent = []
            while not any(connection.is_cut for connection in connections):
                sent += await orders(gateway, traders)
            lost = [placing for placing in sent if placing.told is None]
            await asyncio.to_thread(line.heal)
            await until(gateway.is_ready)
            await settled(scene.fleet.engine, market, traders, database_url)
            unanswered += len(lost)
            happened += sum(one.told is not None and one.told.replayed for one in lost)
            cuts += 1
        which = "answers" if of_answers else "commands"
        print(f"cut in {which}: {unanswered} without an answer, of which {happened} had happened")
        assert unanswered, f"nothing was cut in {which}"
    print(f"{cuts} cuts: 0 orders lost, 0 doubled")
    assert scene.fleet.engine.end() == 0
    assert scene.fleet.engine.run("verify").returncode == 0
