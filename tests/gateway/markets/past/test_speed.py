"""How long a look into a long past takes, and that the event loop does nothing of it."""

import asyncio
import time
from random import Random

import pytest

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import CancelAll, CancelOrder, Command, CreditAccount
from exchange.messages.terms import Outcome
from gateway.engine_side.replays import ReplayPool
from gateway.wire.scalars import iso_millis
from persistence.postgres.database import create_pool
from tests.gateway.markets.past.recorded import looking_back, project_all
from tests.lengths import LONG_TIMEOUT_SECONDS, length
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    Running,
    limit,
    listing,
    open_for_trade,
    running,
)

COMMANDS = length(9_000, long=1_000_000)
LOOKS = length(60, long=600)
P95_MS = 300
STALL_MS = 100
"""The loop decodes rows of PostgreSQL and sends; a replay would take it longer."""
AT_ONCE = 500
ALL_GONE_EVERY = 1_500
"""Now and then somebody takes all his orders out of a market, so that books stay as large as
busy ones are: some thousand orders."""


def trading(seed: int, count: int) -> list[Command]:
    """Orders around the middle, some of which trade, and cancels of those before."""
    random, found = Random(seed), list[Command]()
    for number in range(count):
        account, market = random.choice((ANN, BOB, CEM)), random.randint(1, 3)
        if number % ALL_GONE_EVERY == 0:
            found.append(CancelAll(account, market))
            continue
        if random.random() < 0.4:
            found.append(CancelOrder(account, max(1, number // 2 - random.randint(0, 3_000))))
            continue
        price, outcome = random.randint(20, 48), random.choice([*Outcome])
        if random.random() < 0.1:
            price = 100 - price
        found.append(limit(account, price, random.randint(1, 9), outcome, market=market))
    return found


async def a_long_past(engine: Running) -> None:
    await open_for_trade(engine)
    await engine.send_all(listing("snow"), listing("hail"))
    rich = 1_000_000 * MONEY_SCALE
    await engine.send_all(*(CreditAccount(one, rich, "test") for one in (ANN, BOB, CEM)))
    for begin in range(0, COMMANDS, 50 * AT_ONCE):
        batch = trading(begin, min(50 * AT_ONCE, COMMANDS - begin))
        for start in range(0, len(batch), AT_ONCE):
            await engine.send_all(*batch[start : start + AT_ONCE])


class Stalls:
    """Notes by how much the event loop comes late."""

    def __init__(self) -> None:
        self.found: list[float] = []

    async def watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.found.append((time.perf_counter() - before) * 1_000 - 5)


@pytest.mark.timeout(LONG_TIMEOUT_SECONDS)
async def test_a_look_into_a_long_past_is_quick_and_no_work_of_the_loop(database_url: str) -> None:
    random, times, stalls = Random(5), list[float](), Stalls()
    async with running(database_url) as engine:
        await a_long_past(engine)
    behind = await project_all(database_url)
    assert behind >= COMMANDS
    pool, replays = await create_pool(database_url, size=4), ReplayPool(timeout_s=60)
    async with (
        running(database_url) as engine,
        looking_back(engine.view, pool, replays) as client,
    ):
        markets = [*engine.view.markets.values()]
        orders = len(engine.view.orders)
        # The process is started by whoever looks back first.
        assert (await client.get("/markets/1/orderbook?atSeq=1")).status_code == 200
        watch = asyncio.create_task(stalls.watch())
        for number in range(LOOKS):
            market = random.choice(markets)
            seq = random.randint(1, market.seq)
            at = iso_millis(random.randint(market.created_at, engine.view.now))
            query = (f"?atSeq={seq}", f"?at={at}", f"/deltas?afterSeq={seq - 1}&limit=100")
            before = time.perf_counter()
            answer = await client.get(f"/markets/{market.id}/orderbook{query[number % 3]}")
            times.append((time.perf_counter() - before) * 1_000)
            assert answer.status_code == 200, answer.text
        watch.cancel()
    replays.close()
    await pool.close()
    times.sort()
    stalls.found.sort()
    p95, stall = times[len(times) * 95 // 100], stalls.found[len(stalls.found) * 99 // 100]
    print(f"{orders} orders rest in {len(markets)} books")
    print(f"{behind} commands behind: p50 {times[len(times) // 2]:.0f} ms, p95 {p95:.0f} ms,")
    print(f"most {times[-1]:.0f} ms; the loop came late by {stall:.1f} ms (p99)")
    assert p95 < P95_MS
    assert stall < STALL_MS
