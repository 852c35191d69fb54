"""Random days of the whole economy, in processes that die anywhere: each credit is accounted for.

What dies here is the asyncio side of a process, in place: at a point of a movement, with whatever
else was under way, and its engine with it. `kill -9` of real ones is `test_kills_everywhere.py`.
"""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from gateway.economy.movements.movements import Kind, Point
from gateway.economy.rewards import claims
from tests.faults.economy.life import Days, Life, begin, check
from tests.lengths import length
from tests.persistence.running import running

MOST = 1_600
"""So few credits may anybody be given that some are refused."""


class Died(BaseException):
    """The process is no more."""


@pytest.mark.parametrize("seed", range(length(2, long=40)))
async def test_every_credit_is_accounted_for(
    seed: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, died, clock = Random(seed), Counter[tuple[Kind, Point]](), Days()
    monkeypatch.setattr(claims, "now_us", clock)

    def reached(point: Point, kind: Kind) -> None:
        if rng.random() < 0.02:
            died[kind, point] += 1
            raise Died

    async with running(database_url, tmp_path) as engine:
        await begin(engine)
    for _ in range(length(8, long=60)):
        async with running(database_url, tmp_path) as engine:
            life = Life(engine, database_url, reached, MOST, clock)
            try:
                for _ in range(rng.randint(5, 60)):
                    await life.act(rng)
            except Died:
                engine.crash()
    async with running(database_url, tmp_path) as engine:
        life = Life(engine, database_url, lambda _point, _kind: None, MOST)
        await life.finish()
        await check(life)
    print("died at", sorted(f"{kind}:{point}" for kind, point in died))
    assert died
