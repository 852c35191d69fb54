"""What each level of `synchronous_commit` costs with a replica beside, and which one is refused."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import pytest

from exchange.messages.commands import OpenAccount
from persistence.errors import DatabaseNotDurable
from persistence.postgres import migrate
from tests.faults.failover.replicas import Pair, pair
from tests.lengths import length
from tests.persistence.running import ANN, CASH, limit, listing, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ORDERS = length(100, long=2_000)
LEVELS = ("local", "remote_write", "on", "remote_apply")


@pytest.fixture
def both() -> Iterator[Pair]:
    # Where PostgreSQL's account may go, on a disk.
    with TemporaryDirectory(prefix="probity-levels-") as room:
        Path(room).chmod(0o755)
        with pair(Path(room) / "servers") as made:
            yield made


async def test_a_level_costs_what_it_waits_for(both: Pair) -> None:
    await both.start(is_synchronous=True)
    await migrate.upgrade(both.primary.url)
    async with both.primary.session() as connection:
        for number, level in enumerate(LEVELS):
            await connection.execute(f"ALTER DATABASE probity SET synchronous_commit = '{level}'")
            async with running(both.primary.url) as engine:
                if not number:
                    await engine.send_all(OpenAccount(ANN, CASH), listing())
                took = []
                for order in range(ORDERS):
                    started = time.perf_counter()
                    await engine.send(limit(ANN, 40 + order % 40, 1))
                    took.append((time.perf_counter() - started) * 1_000)
                parts = quantiles(took, n=100)
                print(f"{level:13} p50 {parts[49]:6.2f} ms, p99 {parts[98]:6.2f} ms")
        await connection.execute("ALTER DATABASE probity SET synchronous_commit = 'off'")
    with pytest.raises(DatabaseNotDurable):
        async with running(both.primary.url):
            pass
