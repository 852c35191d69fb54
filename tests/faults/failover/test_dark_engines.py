"""The line between an engine and PostgreSQL is a black hole, and both ends live: one that leads is
taken over from and does nothing more when it is whole again, one that waits takes nothing over and
goes on where it was.
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
    leads,
    nothing_lost,
    takes_over,
    two,
    way_of,
)
from tests.faults.proxy.befalling import FAULTS
from tests.faults.proxy.fault_line import DatabaseLine
from tests.faults.test_kill import verify
from tests.faults.trading_load import answered, everybody_trades, some_answers
from tests.lengths import some
from tests.measured import slowness
from tests.server_process import until

_DARK: Final = ("held both ways", "held up", "held down", "lost both ways", "shut")
_LONGER_THAN_A_LEASE_S: Final = 5.0
BACK_S: Final = 120.0


@pytest.fixture
def lines(database_url: str) -> Iterator[dict[str, DatabaseLine]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(DatabaseLine(database_url)) for name in ("one", "two")}


@pytest.fixture
def both(tmp_path: Path, database_url: str, lines: dict[str, DatabaseLine]) -> Iterator[Two]:
    own = {name: {"DATABASE_URL": line.url} for name, line in lines.items()}
    with two(tmp_path, database_url, own) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_an_engine_in_the_dark_is_taken_over_and_writes_nothing_more(
    both: Two, lines: dict[str, DatabaseLine]
) -> None:
    dice = random.Random(4)
    market, traders = await asyncio.to_thread(both.open_floor, dice)
    for fault in some(_DARK, everyday=(0, 2)):
        stop = asyncio.Event()
        tasks = list(everybody_trades(traders, stop))
        await some_answers(traders, answered(traders) + dice.randint(1, 100))
        assert not differs(both.standby)
        line = way_of(both.leader, lines)
        FAULTS[fault](line)
        dark_at = time.monotonic()
        stop.set()
        took = await takes_over(both.standby, dark_at)
        served = await both.serves(traders[0], dark_at)
        assert served < TAKEN_S * slowness(), both.standby.words()
        await asyncio.gather(*tasks)
        unknown = await nothing_lost(both, market, traders)
        line.heal()
        await until(lambda: not leads(both.leader), BACK_S)
        await until(lambda: leads(both.standby), BACK_S)
        await nothing_lost(both, market, traders)
        print(
            f"{fault}: leads after {took:.2f} s, serves after {served:.2f} s;"
            f" {unknown} without an answer"
        )
        await asyncio.to_thread(both.turn)
    await asyncio.to_thread(verify, both.leader)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_one_that_waits_in_the_dark_takes_nothing_over_and_goes_on_where_it_was(
    both: Two, lines: dict[str, DatabaseLine]
) -> None:
    dice = random.Random(5)
    market, traders = await asyncio.to_thread(both.open_floor, dice)
    for fault in some(_DARK, everyday=(1, 4)):
        stop = asyncio.Event()
        tasks = list(everybody_trades(traders, stop))
        await some_answers(traders, answered(traders) + dice.randint(1, 100))
        line = way_of(both.standby, lines)
        FAULTS[fault](line)
        dark_at = time.monotonic()
        # It would have taken over by now if it took its own silence for the other's.
        await until(lambda: time.monotonic() > dark_at + _LONGER_THAN_A_LEASE_S)  # noqa: B023
        assert not leads(both.standby)
        await some_answers(traders, answered(traders) + 20)
        line.heal()
        await some_answers(traders, answered(traders) + 20)
        await until(lambda: leads(both.leader), BACK_S)
        stop.set()
        await asyncio.gather(*tasks)
        assert not differs(both.standby)
        both.leader.kill()
        killed_at = time.monotonic()
        took = await takes_over(both.standby, killed_at)
        await both.serves(traders[0], killed_at)
        unknown = await nothing_lost(both, market, traders)
        print(
            f"{fault}: whole again, it leads {took:.2f} s after the other's end; {unknown} unknown"
        )
        await asyncio.to_thread(both.turn)
    await asyncio.to_thread(verify, both.leader)
