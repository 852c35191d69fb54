"""A resolution that pays everybody who bet: all bets are shown as they ended within ten seconds,
and nobody else waits longer than 150 ms for an acknowledgement meanwhile.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterable

import msgspec
import pytest

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import CancelOrder, Command, OpenAccount, PlaceOrder, ResolveMarket
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.messages.terms import BUY, IOC, MARKET, NO, YES, Resolution
from exchange.projections.bets.fold import bet_id
from persistence.projection import process
from persistence.projection.process import Order
from tests.lengths import LONG_TIMEOUT_SECONDS, length
from tests.measured import tries
from tests.persistence.running import ANN, BOB, Running, limit, listing, running

BETTORS = length(1_000, long=20_000)
AT_ONCE = 500
SHOWN_S = 10.0
LONGEST_S = 0.15
FIRST = 1_000
"""The first bettor's account."""


@contextlib.asynccontextmanager
async def projecting(url: str) -> AsyncIterator[None]:
    """A projector in a process of its own, as the worker has it."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", process.__name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(Order(url, 0, "")) + b"\n")
        yield
    finally:
        child.kill()
        await child.wait()


async def send_all(engine: Running, commands: Iterable[Command]) -> None:
    """Send many, some hundreds at once."""
    waiting = list(commands)
    for start in range(0, len(waiting), AT_ONCE):
        await engine.send_all(*waiting[start : start + AT_ONCE])


async def ended(engine: Running, market_id: int, *, is_open: bool = False) -> int:
    """How many bets on a market have ended, or are open."""
    count: int = await engine.pool.fetchval(
        "SELECT count(*) FROM bet_states WHERE market_id = $1 AND (status = 'OPEN') = $2",
        *(market_id, is_open),
    )
    return count


async def until_all(engine: Running, market_id: int, *, are_open: bool) -> None:
    async with asyncio.timeout(300):
        while await ended(engine, market_id, is_open=are_open) < BETTORS:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def somebody_else(engine: Running, waits: list[float]) -> None:
    """Place and cancel an order elsewhere, again and again, and note each wait."""
    while True:
        before = time.perf_counter()
        answer = await engine.send(limit(ANN, 10, 1))
        waits.append(time.perf_counter() - before)
        first = answer.events[0]
        assert isinstance(first, OrderPlaced)
        before = time.perf_counter()
        await engine.send(CancelOrder(ANN, first.order_id))
        waits.append(time.perf_counter() - before)
        await asyncio.sleep(0.005)


def bets_on(market_id: int) -> Iterable[Command]:
    for number in range(BETTORS):
        account_id = FIRST + number
        yield PlaceOrder(
            *(account_id, market_id, BUY, YES, MARKET, None, None, IOC),
            max_cost=10 * MONEY_SCALE,
            client_order_id=bet_id(account_id, market_id * 1_000_000 + number),
            conditions=OrderConditions(system=True),
        )


@pytest.mark.slow
@pytest.mark.timeout(max(600, min(LONG_TIMEOUT_SECONDS, BETTORS)))
async def test_everybody_is_shown_what_they_won(database_url: str) -> None:
    async with running(database_url) as engine, projecting(database_url):
        people = [ANN, *range(FIRST, FIRST + BETTORS)]
        await send_all(engine, (OpenAccount(one, 1_000 * MONEY_SCALE) for one in people))
        await send_all(engine, [OpenAccount(BOB, 10**7 * MONEY_SCALE), listing()])
        for market_id, attempt in enumerate(tries(), 2):
            await engine.send(listing(f"question-{market_id}"))
            await engine.send(limit(BOB, 60, 25 * BETTORS, NO, market=market_id))
            await send_all(engine, bets_on(market_id))
            await until_all(engine, market_id, are_open=True)
            waits: list[float] = []
            other = asyncio.create_task(somebody_else(engine, waits))
            before = time.perf_counter()
            await engine.send(ResolveMarket(market_id, Resolution.YES, None, "", in_slices=True))
            await until_all(engine, market_id, are_open=False)
            shown = time.perf_counter() - before
            other.cancel()
            print(f"{BETTORS} bets shown after {shown:.2f} s, longest wait {max(waits):.3f} s")
            attempt.takes("bets shown, s", shown, SHOWN_S)
            attempt.takes("longest wait of anybody else, s", max(waits), LONGEST_S)
            won = await engine.pool.fetchrow(
                "SELECT count(*), sum(brought)::bigint FROM bet_states"
                " WHERE market_id = $1 AND status = 'WON'",
                market_id,
            )
            assert won is not None
            assert tuple(won.values()) == (BETTORS, BETTORS * 25 * MONEY_SCALE)
