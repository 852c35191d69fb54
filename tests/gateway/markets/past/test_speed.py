"""How long a look into a long past takes, that it reads little of it, finds what was there, and
that the event loop does nothing of it.

At full length (PROBITY_LONG_TESTS=1): 1 000 looks, a million commands behind them, across restarts,
a crash and halts.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar, TypeVarTuple

import httpx
import pytest

from exchange.messages.bounds import BATCH_COMMANDS, MONEY_SCALE
from exchange.messages.commands import (
    CancelAll,
    CancelOrder,
    Command,
    CreditAccount,
    SetMarketStatus,
)
from exchange.messages.terms import YES, MarketStatus, Outcome
from gateway.engine_side.replays import ReplayPool
from gateway.wire.scalars import iso_millis
from persistence.postgres.database import create_pool
from persistence.repositories.past_books import REPLAYED_MOST, Stretch
from tests.gateway.markets.past.recorded import Moment, Recording, looking_back, project_all, shown
from tests.lengths import LONG_TIMEOUT_SECONDS, length
from tests.measured import tries
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
LOOKS = length(60, long=1_000)
P95_MS = 300
STALL_MS = 100
"""The loop decodes rows of PostgreSQL and sends; a replay would take it longer."""
AT_ONCE = 500
PART = 50 * AT_ONCE
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
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


LIVES = 3
MARKETS = (1, 2, 3)


async def a_long_past(url: str, recording: Recording) -> None:
    """Three lives of an engine, of which the second ends by a crash; each knows a halt."""
    for life in range(LIVES):
        async with running(url, listeners=[recording]) as engine:
            if life == 0:
                await open_for_trade(engine)
                await engine.send_all(listing("snow"), listing("hail"))
                rich = 1_000_000 * MONEY_SCALE
                await engine.send_all(
                    *(CreditAccount(one, rich, "test") for one in (ANN, BOB, CEM))
                )
            for begin in range(0, COMMANDS // LIVES, PART):
                count = min(PART, COMMANDS // LIVES - begin)
                await trade(engine, trading(life * COMMANDS + begin, count))
                engine.heard.executions.clear()
            market = MARKETS[life]
            await engine.send(SetMarketStatus(market, MarketStatus.HALTED))
            cancels = [CancelOrder(one.account_id, one.id) for one in engine.view.orders.values()]
            await trade(engine, cancels[::7])
            await engine.send(SetMarketStatus(market, MarketStatus.OPEN))
            await trade(engine, trading(life, 2_000))
            if life == 1:
                engine.crash()


async def trade(engine: Running, commands: Sequence[Command]) -> None:
    for start in range(0, len(commands), AT_ONCE):
        await engine.send_all(*commands[start : start + AT_ONCE])


class CountedReplays(ReplayPool):
    """Notes how many commands each look has replayed, and how many were read for it."""

    def __init__(self) -> None:
        super().__init__(timeout_s=60)
        self.replayed: list[int] = []
        self.read: list[int] = []

    async def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        (stretch,) = (one for one in args if isinstance(one, Stretch))
        self.replayed.append(stretch.to - stretch.after)
        self.read.append(sum(row.last_seq - row.first_seq + 1 for row in stretch.rows))
        return await super().run(function, *args)


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
    random = Random(5)
    # Somewhat more than are asked for: which of them is left to chance again.
    recording = Recording(lambda: random.random() < 2 * LOOKS / COMMANDS)
    await a_long_past(database_url, recording)
    behind = await project_all(database_url)
    assert behind >= COMMANDS
    moments = [(market, one) for market in MARKETS for one in recording.markets[market]]
    assert len(moments) >= LOOKS
    pool, replays = await create_pool(database_url, size=4), CountedReplays()
    async with (
        running(database_url) as engine,
        looking_back(engine.view, pool, replays) as client,
    ):
        orders = len(engine.view.orders)
        # The process is started by whoever looks back first.
        assert (await client.get("/markets/1/orderbook?atSeq=1")).status_code == 200
        for attempt in tries():
            p95, stall = await look_back(client, moments, random)
            attempt.takes("p95 of looks, ms", p95, P95_MS)
            attempt.takes("p99 of the loop's lateness, ms", stall, STALL_MS)
    replays.close()
    await pool.close()
    print(f"{orders} orders rest in {len(MARKETS)} books; {behind} commands behind")
    print(f"at most {max(replays.replayed)} commands replayed, {max(replays.read)} read")
    assert max(replays.replayed) <= REPLAYED_MOST == 5_000
    # Batches are read whole: the one in which a stretch begins, and the one in which it ends.
    assert max(replays.read) <= REPLAYED_MOST + 2 * BATCH_COMMANDS


async def look_back(
    client: httpx.AsyncClient, moments: list[tuple[int, Moment]], random: Random
) -> tuple[float, float]:
    """Look at moments of the past, each as it was; return the p95 of the looks and the p99 of the
    loop's lateness meanwhile, in milliseconds.
    """
    times, stalls = list[float](), Stalls()
    watch = asyncio.create_task(stalls.watch())
    for market, moment in random.sample(moments, LOOKS):
        outcome, depth = random.choice([*Outcome]), random.choice((1, 10, 200))
        query = f"atSeq={moment.seq}&outcome={outcome.value}&depth={depth}"
        book = await look(client, f"{market}/orderbook?{query}", times)
        assert book == book | shown(moment, outcome, depth), (market, query)
    for market, moment in random.sample(moments, LOOKS // 4):
        await look(client, f"{market}/orderbook?at={iso_millis(moment.at)}", times)
        after = f"afterSeq={moment.seq - 1}&limit=100"
        (first, *_) = await look(client, f"{market}/orderbook/deltas?{after}", times)
        assert first["checksum"] == moment.checksums[YES]
    watch.cancel()
    times.sort()
    stalls.found.sort()
    print(f"p50 of {len(times)} looks {times[len(times) // 2]:.0f} ms, most {times[-1]:.0f} ms")
    return times[len(times) * 95 // 100], stalls.found[len(stalls.found) * 99 // 100]


async def look(client: httpx.AsyncClient, path: str, times: list[float]) -> Any:
    before = time.perf_counter()
    answer = await client.get(f"/markets/{path}")
    times.append((time.perf_counter() - before) * 1_000)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]
