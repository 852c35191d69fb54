"""A standby's line to Redis is cut, late, or nothing goes through it, when its turn comes.

As long as it waits it needs no Redis. It takes over all the same, and gateways reach it as soon as
the line is whole: nothing that was answered is lost, nothing happens twice.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.faults.failover.fleet_of_two import (
    TAKEN_S,
    Two,
    differs,
    nothing_lost,
    takes_over,
    two,
    way_of,
)
from tests.faults.proxy.befalling import FAULTS
from tests.faults.proxy.fault_line import FaultLine
from tests.faults.test_kill import verify
from tests.faults.trading_load import answered, everybody_trades, some_answers
from tests.lengths import length, some
from tests.measured import slowness
from tests.redis_process import RedisProcess
from tests.server_process import until

REACHED_S: Final = 5.0
DARK_S: Final = length(2, long=8)
POINTS: Final = length(2, long=12)
_FAULTS: Final = (
    *("shut", "held both ways", "held up", "lost down"),
    *("held down", "lost both ways", "late"),
)


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[dict[str, FaultLine]]:
    """A way to Redis of each engine's own."""
    with ExitStack() as stack:
        folder = tmp_path / "far"
        folder.mkdir()
        redis = RedisProcess(folder)
        stack.callback(redis.clean_up)
        redis.start()
        address = "127.0.0.1", redis.port
        made = {name: stack.enter_context(FaultLine(address)) for name in ("one", "two")}
        yield made | {"": stack.enter_context(FaultLine(address))}


@pytest.fixture
def both(tmp_path: Path, database_url: str, lines: dict[str, FaultLine]) -> Iterator[Two]:
    own = {
        name: {"REDIS_URL": f"redis://127.0.0.1:{line.port}/0"}
        for name, line in lines.items()
        if name
    }
    shared = f"redis://127.0.0.1:{lines[''].port}/0"
    with two(tmp_path, database_url, own, REDIS_URL=shared) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_standby_without_redis_takes_over_and_is_reached_when_it_is_back(
    both: Two, lines: dict[str, FaultLine]
) -> None:
    dice = random.Random(6)
    market, traders = await asyncio.to_thread(both.open_floor, dice)
    for fault in some(_FAULTS, everyday=(0, 1)):
        line = way_of(both.standby, lines)
        FAULTS[fault](line)
        stop = asyncio.Event()
        tasks = list(everybody_trades(traders, stop))
        await some_answers(traders, answered(traders) + dice.randint(20, 100))
        assert not differs(both.standby)
        both.leader.kill()
        killed_at = time.monotonic()
        stop.set()
        took = await takes_over(both.standby, killed_at)
        assert took < TAKEN_S * slowness(), both.standby.words()
        await until(lambda: time.monotonic() > killed_at + took + DARK_S)  # noqa: B023
        line.heal()
        healed_at = time.monotonic()
        reached = await both.serves(traders[0], healed_at)
        assert reached < REACHED_S * slowness(), both.standby.words()
        await asyncio.gather(*tasks)
        unknown = await nothing_lost(both, market, traders)
        await asyncio.to_thread(both.turn)
        print(
            f"{fault}: leads after {took:.2f} s, is reached {reached:.2f} s behind the light;"
            f" {unknown} without an answer"
        )
    await asyncio.to_thread(verify, both.leader)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_cut_behind_any_byte_of_its_first_words_it_is_reached_all_the_same(
    both: Two, lines: dict[str, FaultLine]
) -> None:
    dice = random.Random(7)
    market, traders = await asyncio.to_thread(both.open_floor, dice)
    for number in range(POINTS):
        of_answers = bool(number % 2)
        line = way_of(both.standby, lines)
        stop = asyncio.Event()
        tasks = list(everybody_trades(traders, stop))
        await some_answers(traders, answered(traders) + dice.randint(20, 100))
        both.leader.kill()
        killed_at = time.monotonic()
        stop.set()
        await until(lambda: len(line.connections()) > 0)  # noqa: B023 - it speaks to Redis
        count = dice.randint(0, 2_000)
        connections = line.connections()
        line.cut_after(count, of_answers=of_answers)
        await takes_over(both.standby, killed_at)
        await both.serves(traders[0], killed_at)
        await until(lambda: any(connection.is_cut for connection in connections))  # noqa: B023
        line.heal()
        reached = await both.serves(traders[0], time.monotonic())
        assert reached < REACHED_S * slowness(), both.standby.words()
        await asyncio.gather(*tasks)
        unknown = await nothing_lost(both, market, traders)
        await asyncio.to_thread(both.turn)
        print(
            f"cut behind {count} bytes of its {'answers' if of_answers else 'words'}: reached"
            f" after {reached:.2f} s, {unknown} without an answer"
        )
    await asyncio.to_thread(verify, both.leader)
