"""The checker raises no false alarm: whatever the engine commits meanwhile, nothing is found."""

import asyncio
import os
from random import Random
from typing import Any

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import Resolution
from persistence.projection.process import projections
from persistence.proof.online.look import Looked
from tests.lengths import length
from tests.persistence.bet_stories import project
from tests.persistence.projection.test_bets import one_step
from tests.persistence.proof.online.days import findings, one_look
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import open_for_trade, running

PICTURES = length(20, long=200)
LOOKS = length(20, long=100)
BEFORE, BETS_BEFORE = 800, 60
"""So many commands, and bets, are there before the first look."""
PAUSE_S = 0.02
"""Between two batches or bets beside a look: the more is done meanwhile, the longer takes the next.
Without, the sixth look came after ten thousand commands and two minutes, beside no more commits.
"""


async def test_looks_beside_an_engine_that_commits_find_nothing(database_url: str) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    looks: list[Looked] = []
    async with running(database_url) as engine:
        await engine.send_all(*opening(), *commands(seed, BEFORE))
        is_over = asyncio.Event()

        async def look_on() -> None:
            while not is_over.is_set():
                looks.append(await one_look(database_url))

        looking = asyncio.create_task(look_on())
        part = 1
        while len({one.seq for one in looks}) < PICTURES:
            # A batch or two at a time, so that there are many pictures to be taken between them.
            flow, part = list(commands(seed + part, 120)), part + 1
            for start in range(0, len(flow), 10):
                await engine.send_all(*flow[start : start + 10])
                await asyncio.sleep(PAUSE_S)
        is_over.set()
        await looking
        looks.append(await one_look(database_url))
        assert looks[-1].seq == engine.recovered.journal.last_seq
    pictures = len({one.seq for one in looks})
    print(f"{len(looks)} looks at {pictures} states of an exchange of {looks[-1].seq} commands")
    assert [await findings(database_url), sum(one.found for one in looks)] == [[], 0]


async def test_looks_beside_bets_that_are_placed_answered_and_followed_find_nothing(
    database_url: str,
) -> None:
    random = Random(seed := int(os.environ.get("SEED", Random().randrange(2**32))))
    print(f"SEED={seed}")
    looks: list[Looked] = []
    async with running(database_url) as engine:
        await open_for_trade(engine)
        is_over = asyncio.Event()

        async def look_on() -> None:
            while not is_over.is_set():
                looks.append(await one_look(database_url))

        async def follow_on() -> None:
            while not is_over.is_set():
                await project(database_url, projections())

        bets: list[tuple[int, int, Any]] = []
        for _ in range(BETS_BEFORE):
            await one_step(engine, random, bets)
        both = asyncio.gather(look_on(), follow_on())
        while len(looks) < LOOKS:
            await one_step(engine, random, bets)
            await asyncio.sleep(PAUSE_S)
        await engine.send(ResolveMarket(1, Resolution.SPLIT, 3_000, ""))
        is_over.set()
        await both
    await project(database_url, projections())
    looks.append(await one_look(database_url))
    print(f"{len(looks)} looks beside {len(bets)} bets")
    assert [await findings(database_url), sum(one.found for one in looks)] == [[], 0]
    assert bets
