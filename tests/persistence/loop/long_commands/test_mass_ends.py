"""One command that ends ten thousand orders is one act, and keeps others waiting for less than it
would take to end them one by one.

The yardstick is in the run: the same orders of the same account, cancelled by ten thousand
commands at once. Most of what others wait for is the database's: a row of each order and of the
ledger is written in one transaction, before which nothing that comes later may be seen.
"""

import asyncio
import time

from exchange.messages.bounds import OPEN_ORDERS_PER_ACCOUNT
from exchange.messages.commands import CancelAll
from exchange.messages.events import OrdersCancelled
from tests.measured import tries
from tests.persistence.running import ANN, BOB, Running, cancel, limit, open_for_trade, running

AT_MOST = 0.7
PAUSE_S = 0.005
_AT_ONCE = 2_000


async def rest_all(engine: Running) -> list[int]:
    """Let ann have all orders that one may have; return their ids."""
    for first in range(0, OPEN_ORDERS_PER_ACCOUNT, _AT_ONCE):
        part = (limit(ANN, 1 + number % 20, 1) for number in range(first, first + _AT_ONCE))
        await engine.send_all(*part)
    assert len(engine.view.orders) == OPEN_ORDERS_PER_ACCOUNT
    return list(engine.view.orders)


async def longest_wait(engine: Running, done: asyncio.Event) -> float:
    """Send an order every 5 ms until `done`; return how long the slowest ack took, in seconds."""
    waits: list[float] = []

    async def send() -> None:
        begun = time.perf_counter()
        await engine.send(limit(BOB, 1, 1))
        waits.append(time.perf_counter() - begun)

    async with asyncio.TaskGroup() as tasks:
        while not done.is_set():
            tasks.create_task(send())
            await asyncio.sleep(PAUSE_S)
    return max(waits)


async def test_ending_all_at_once_keeps_others_waiting_less_than_one_by_one(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        for attempt in tries():
            ids = await rest_all(engine)
            begun = time.perf_counter()
            for first in range(0, len(ids), _AT_ONCE):
                await engine.send_all(*(cancel(ANN, id_) for id_ in ids[first : first + _AT_ONCE]))
            one_by_one = time.perf_counter() - begun
            await rest_all(engine)
            done = asyncio.Event()
            waiting = asyncio.create_task(longest_wait(engine, done))
            await asyncio.sleep(10 * PAUSE_S)
            answer = await engine.send(CancelAll(ANN, None))
            last = answer.events[-1]
            assert isinstance(last, OrdersCancelled)
            assert last.count == OPEN_ORDERS_PER_ACCOUNT
            done.set()
            longest = await waiting
            print(f"longest other ack {longest:.3f} s, one by one {one_by_one:.3f} s")
            attempt.holds("longest other ack, of all one by one", longest / one_by_one, AT_MOST)
            await engine.send(CancelAll(BOB, None))
