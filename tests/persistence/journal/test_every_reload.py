"""The naive twin beside an engine that, after each command, goes on with what its tables hold.

What `tests/properties/test_seeded_runs.py` holds of an engine in memory is held here of one that
was just read back, 300 000 times at full length, which takes about half an hour of one core: 6 ms
each, of which 4 are reading, building and comparing. A day is short and has a database of its own,
since a reload reads every market that ever was; for the same reason the memory of ids is short, so
that most repeats are of ids that are known from the tables only.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest

from exchange import engine
from exchange.model import idempotency
from persistence.journal import tables
from tests.conftest import FreshDatabase, SetBound
from tests.lengths import length
from tests.persistence.journal.stored_pair import StoredPair
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.test_seeded_runs import (
    AMONG,
    AT_LEAST,
    SEED,
    count,
    figures_of,
    tighten,
)
from tests.properties.twin import Twin

DAY_COMMANDS = 3_000
RECENT_IDS, BATCH_COMMANDS = 100, 40
"""As in `bounds`, two hundred times smaller: what one run of the engine adds fits twice."""


@pytest.mark.timeout(300)
def test_the_twin_agrees_with_what_is_read_back_after_each_command(
    fresh_database: FreshDatabase, set_bound: SetBound
) -> None:
    tight_twin = tighten(set_bound)
    for module in (engine, idempotency, tables):
        set_bound(module, "RECENT_IDS", RECENT_IDS)
    set_bound(idempotency, "BATCH_COMMANDS", BATCH_COMMANDS)
    commands = length(1_000, long=AMONG)
    counts: Counter[str] = Counter()
    for number, length_of_day in enumerate(days(commands)):
        seed = SEED + number
        print(f"seed {seed}")
        with fresh_database() as url:
            counts += asyncio.run(a_stored_day(url, tight_twin(), Dice(seed), length_of_day))
    figures = figures_of(counts)
    for name, wanted in AT_LEAST.items():
        print(f"{name}: {figures[name]}, {wanted} wanted among {AMONG}")
    # Few days say nothing: what is rare comes late in one, and in some hardly ever.
    if commands >= AMONG:
        assert [name for name, wanted in AT_LEAST.items() if figures[name] < wanted] == []


def days(commands: int) -> Iterator[int]:
    """Share commands out to days."""
    for begun in range(0, commands, DAY_COMMANDS):
        yield min(DAY_COMMANDS, commands - begun)


async def a_stored_day(url: str, twin: Twin, dice: Dice, commands: int) -> Counter[str]:
    """Run a day, read back and compared after every command; count what happened."""
    day = MarketDay(twin)
    counts: Counter[str] = Counter()
    async with contextlib.aclosing(await StoredPair.open(twin, url)) as pair:
        for _ in range(commands):
            command = day.any_command(dice)
            for execution in await pair.run_stored(day.next_time(dice), command):
                count(counts, execution, pair.state)
        pair.check_replay()
    counts["UNDONE AFTER TRADES"] = twin.undone_after_trades
    return counts
