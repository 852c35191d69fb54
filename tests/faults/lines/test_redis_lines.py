"""The lines to Redis are cut, or nothing goes through them: trading notices nothing, feeds resync.

The engine's line and a gateway's, both ways or one, by turns. Meanwhile orders are answered as
ever; a gateway whose line is a black hole says that its feed may be old and reads on from the
journal; five seconds after the line is whole again everything is as if nothing had been.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.faults.fleet import Fleet, becomes_stale, follower, meanwhile, trading
from tests.faults.proxy.befalling import FAULTS
from tests.faults.proxy.fault_line import FaultLine
from tests.faults.test_redis_fan_out import BACK_S, LONGEST_ORDER_S, levelled
from tests.lengths import length, some
from tests.measured import tries
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, until

RESYNCED_S: Final = 5.0
DARK_S: Final = length(3, long=10)
_FAULTS: Final = (
    *("cut", "shut", "held both ways", "held up"),
    *("held down", "lost both ways", "lost down", "late"),
)
_DARK: Final = {
    "engine": {"shut", "held both ways", "held up", "lost both ways"},
    "gateway": {"shut", "held both ways", "held down", "lost both ways", "lost down"},
}
"""What keeps everything that the engine says from the gateway."""
_CASES: Final = [(whose, fault) for fault in _FAULTS for whose in ("engine", "gateway")]


@dataclass
class Lines:
    """A fleet whose processes reach Redis through a line each."""

    fleet: Fleet
    gateway: ServerProcess
    of: dict[str, FaultLine]


@pytest.fixture
def lines(tmp_path: Path, database_url: str) -> Iterator[Lines]:
    with ExitStack() as stack:
        folder = tmp_path / "far"
        folder.mkdir()
        redis = RedisProcess(folder)
        stack.callback(redis.clean_up)
        redis.start()
        of = {
            whose: stack.enter_context(FaultLine(("127.0.0.1", redis.port)))
            for whose in ("engine", "gateway")
        }
        urls = {whose: f"redis://127.0.0.1:{line.port}/0" for whose, line in of.items()}
        fleet = Fleet(tmp_path, database_url, stack, REDIS_URL=urls["engine"])
        (gateway,) = fleet.gateways("gateway", REDIS_URL=urls["gateway"])
        yield Lines(fleet, gateway, of)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_feeds_resync_soon_after_their_line_is_whole(lines: Lines) -> None:
    fleet, gateway = lines.fleet, lines.gateway
    async with follower(gateway) as reader, trading(fleet) as trader:
        for whose, fault in some(_CASES, everyday=(0, 4, 7, 13)):
            line = lines.of[whose]
            for attempt in tries():
                trader.longest_s = 0.0
                placed = trader.placed
                async with meanwhile(trader.on_and_on()):
                    FAULTS[fault](line)
                    dark_until = time.monotonic() + DARK_S
                    await until(lambda: time.monotonic() > dark_until)  # noqa: B023
                    await until(lambda: trader.placed > placed + 20)  # noqa: B023
                    if fault in _DARK[whose]:
                        await becomes_stale(gateway, BACK_S)
                        await reader.client.until(lambda: reader.is_stale)
                await asyncio.to_thread(line.heal)
                healed = time.monotonic()
                await until(gateway.is_ready)
                await levelled(fleet, gateway, reader)
                await reader.client.until(lambda: reader.is_stale is False)
                took = time.monotonic() - healed
                print(f"{whose}'s line {fault}: resynced in {took:.2f} s")
                attempt.takes(f"{whose}'s line {fault}: resynced, s", took, RESYNCED_S)
                attempt.takes("longest order, s", trader.longest_s, LONGEST_ORDER_S)
    assert fleet.engine.end() == 0
    assert fleet.engine.run("verify").returncode == 0
