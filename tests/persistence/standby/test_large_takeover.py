"""A takeover in time with many open orders, also where a comparison is under way and much is traded
meanwhile.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.loads.exchange_flow import opening, resting
from persistence.standby.comparison import Comparison
from tests.lengths import length
from tests.measured import tries
from tests.persistence.running import running
from tests.persistence.standby.waiting_engine import waiting

ORDERS = length(5_000, long=100_000)
TRADED = length(3_000, long=20_000)
_PART = 5_000
_TOGETHER = 500
_TAKEN_S = 5.0


async def comes(condition: Callable[[], bool]) -> None:
    """Wait as long as so many orders may take on a busy machine."""
    async with asyncio.timeout(600):
        while not condition():  # noqa: ASYNC110 - what is waited for says nothing by itself
            await asyncio.sleep(0.005)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_open_orders_make_no_takeover_longer_than_five_seconds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for attempt in tries():
        async with (
            running(database_url) as engine,
            waiting(database_url, lease_s=60, compare_s=1e9) as one,
        ):
            if not engine.view.seq:
                await engine.send_all(*opening())
            for first in range(len(engine.view.orders), ORDERS, _PART):
                await engine.send_all(*resting(_PART, first, with_ids=True))
            await comes(lambda: one.heard.seq == engine.view.seq)
            loads = one.heard.loads
            one.standby._compares_at, started = 0.0, time.monotonic()
            await comes(lambda: bool(one.heard.compared_at) and one.standby._compares_at > 0)
            print(f"{ORDERS} open orders compared in {time.monotonic() - started:.2f} s")
            # The worst moment: a comparison has just begun, and more was traded meanwhile.
            begun, run = asyncio.Event(), Comparison.run

            async def begin(*known: Any, begun: Any = begun, run: Any = run) -> None:
                begun.set()
                await run(*known)

            monkeypatch.setattr(Comparison, "run", begin)
            one.standby._compares_at = 0.0
            await begun.wait()
            for first in range(0, TRADED, _TOGETHER):
                await engine.send_all(*resting(_TOGETHER, engine.view.seq + first))
            behind = engine.view.seq - one.standby.seq
            engine.crash()
            died_at = time.monotonic()
            await one.is_due()
            recovered = await one.standby.recover(database_url)
            took = time.monotonic() - died_at
            assert (one.heard.problems, one.heard.loads) == ([], loads)
            assert len(recovered.live.orders) >= ORDERS + TRADED
            print(f"{behind} commands behind: taken over in {took:.2f} s")
            await recovered.connection.close()
        attempt.takes(f"taken over with {ORDERS} open orders, s", took, _TAKEN_S)
