"""`kill -9` of processes in which everything of the economy happens by chance, at one point after
another of all that moves money outside the book: every credit is accounted for, and all that was
asked for happened once.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from gateway.economy.movements.movements import Kind, Point
from tests.faults.economy.dying_life import MOST
from tests.faults.economy.life import Life, begin, check
from tests.lengths import some
from tests.persistence.running import running

SEED = int(os.environ.get("PROBITY_SEED", "20261127"))
ALL = [f"{kind}:{point}" for kind in Kind for point in Point]
TARGETS = some(ALL, [number * len(Point) + number % len(Point) for number in range(len(Kind))])
"""One of each kind, and among them each point; a long run dies at all of them."""


def die(url: str, folder: Path, seed: int, dies_at: str) -> str:
    """Live in another process until it is killed; return what it said last."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.economy.dying_life", url, folder, str(seed), dies_at],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, (dies_at, done.stdout, done.stderr[-2_000:])
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_everything_happens_once_wherever_processes_die(
    database_url: str, tmp_path: Path
) -> None:
    assert len(ALL) == 7 * 6
    print("seed", SEED)
    rng = Random(SEED)
    targets = rng.sample(TARGETS, len(TARGETS))
    async with running(database_url, tmp_path) as engine:
        await begin(engine)
    hit = [
        await asyncio.to_thread(die, database_url, tmp_path, rng.randrange(2**32), dies_at)
        for dies_at in targets
    ]
    async with running(database_url, tmp_path) as engine:
        life = Life(engine, database_url, lambda _point, _kind: None, MOST)
        await life.finish()
        await check(life)
        done = await engine.pool.fetch(
            "SELECT kind, count(*) FROM money_intents WHERE status = 'DONE' GROUP BY kind"
        )
    print("died at", *hit, sep="\n  ")
    assert [one.partition(" ")[0] for one in hit] == targets
    assert {row["kind"] for row in done} == {kind.value for kind in Kind}
