"""The checker raises no false alarm: whatever the engine commits meanwhile, nothing is found."""

import asyncio
import os
from random import Random

from persistence.proof.online.look import Looked
from tests.lengths import length
from tests.persistence.proof.online.days import findings, one_look
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running

PICTURES = length(6, long=200)


async def test_looks_beside_an_engine_that_commits_find_nothing(database_url: str) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    looks: list[Looked] = []
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        is_over = asyncio.Event()

        async def look_on() -> None:
            while not is_over.is_set():
                looks.append(await one_look(database_url))

        looking = asyncio.create_task(look_on())
        part = 0
        while len({one.seq for one in looks}) < PICTURES:
            # A batch or two at a time, so that there are many pictures to be taken between them.
            flow, part = list(commands(seed + part, 120)), part + 1
            for start in range(0, len(flow), 10):
                await engine.send_all(*flow[start : start + 10])
        is_over.set()
        await looking
        looks.append(await one_look(database_url))
        assert looks[-1].seq == engine.recovered.journal.last_seq
    pictures = len({one.seq for one in looks})
    print(f"{len(looks)} looks at {pictures} states of an exchange of {looks[-1].seq} commands")
    assert [await findings(database_url), sum(one.found for one in looks)] == [[], 0]
