"""A process of the economy that kills itself without a word at one of the points of its steps.

`python -m tests.faults.economy.dying_life URL FOLDER SEED BET:after-command` lives by chance until
it comes there, says so, and dies as of `kill -9`: with its engine and whatever was under way.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random
from typing import Final

from gateway.economy.movements.movements import Kind, Point
from gateway.economy.rewards import claims
from tests.faults.economy.life import Days, Life
from tests.persistence.running import running

DEEDS_MAX: Final = 3_000
"""Whoever lives so long never comes there."""
MOST: Final = 1_000_000


async def live(url: str, folder: Path, seed: int, dies_at: str) -> None:
    """Live until it comes to where it dies."""
    kind = Kind(dies_at.partition(":")[0])
    rng = Random(seed)
    least = rng.randint(5, 40)
    """So much is done before it may die."""
    done = 0

    def reached(point: Point, at: Kind) -> None:
        if done >= least and f"{at}:{point}" == dies_at:
            print(f"{dies_at} after {done}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    async with running(url, folder) as engine:
        clock = Days()
        setattr(claims, "now_us", clock)  # noqa: B010 - claims goes by it
        life = Life(engine, url, reached, MOST, clock)
        for done in range(DEEDS_MAX):
            await life.act(rng, kind if done >= least else None)


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
