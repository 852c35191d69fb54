"""A crowd's counts are made few at a time."""

import asyncio
from typing import Any, cast

from persistence.postgres.database import DeadlinePool
from persistence.repositories.sign_in_counts import AT_ONCE, SignInCounts


class Slow:
    """A pool whose statements take a while; knows how many ran at once."""

    def __init__(self) -> None:
        self.running = self.most = self.done = 0

    async def fetch(self, *_: object) -> list[dict[str, Any]]:
        """Take a while."""
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        self.done += 1
        return []

    execute = fetch


async def test_a_crowd_has_few_sessions_at_once() -> None:
    pool = Slow()
    counts = SignInCounts(cast("DeadlinePool", pool))
    crowd = [counts.hit((b"k",), (1,)) for _ in range(40)]
    ends = [counts.give_back((b"k",)) for _ in range(20)]
    await asyncio.gather(*crowd, *ends, *(counts.settle((b"k",), b"n", 1) for _ in range(20)))
    assert (pool.most, pool.done) == (AT_ONCE, 80)
