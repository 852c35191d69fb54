"""Large quotes run beside the loop, so many at a time, also if those who asked have gone."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from exchange.messages.commands import CreateMarket, CreditAccount, OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, FeeModel
from exchange.model.state import State
from exchange.rules.preview import Prepared
from gateway.economy.bets import quotes
from gateway.economy.bets.orders import Traded, bet_order
from gateway.economy.bets.quotes import LARGE_AT_ONCE, Quotes
from gateway.wire.errors import RateLimited, Unavailable
from tests.gateway.engine_fake import EngineFake

FAR = 4_000_000_000_000_000
CREDIT = 1_000_000


def offered(levels: int) -> State:
    """A market in which account 2 offers 1 share of YES at each of some prices from 0.40 up."""
    engine = EngineFake()
    for account in (1, 2):
        engine.run(OpenAccount(account, 0))
        engine.run(CreditAccount(account, 10_000 * CREDIT, "to begin with"))
    engine.run(CreateMarket("rain", "?", "", "", FAR, 1, 1, 0, 0, FeeModel.FLAT, False))
    for level in range(levels):
        engine.run(PlaceOrder(2, 1, BUY, NO, LIMIT, 6_000 - level, 100, GTC))
    return engine.view


async def quoted(of: Quotes, view: State) -> Traded:
    return await of.of(bet_order(view.markets[1], 1, YES, 5 * CREDIT, None, None))


async def test_a_large_one_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    view = offered(12)
    small = await quoted(Quotes(view), view)
    monkeypatch.setattr(quotes, "ORDERS_AT_ONCE", 0)
    assert await quoted(Quotes(view), view) == small
    assert small.quantity > 1_000


async def test_who_leaves_and_comes_back_puts_no_more_side_by_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view, may_end = offered(12), threading.Event()
    monkeypatch.setattr(quotes, "ORDERS_AT_ONCE", 0)
    seen = SimpleNamespace(running=0, most=0)
    run = Prepared.run

    def slow(prepared: Prepared) -> object:
        seen.running += 1
        seen.most = max(seen.most, seen.running)
        may_end.wait(30)
        seen.running -= 1
        return run(prepared)

    monkeypatch.setattr(Prepared, "run", slow)
    of = Quotes(view)
    try:
        for _ in range(LARGE_AT_ONCE):
            leaving = asyncio.create_task(quoted(of, view))
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(quoted(of, view), 5)
    finally:
        may_end.set()
    async with asyncio.timeout(30):
        while of._large:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await quoted(of, view)).quantity > 1_000
    assert seen.most <= LARGE_AT_ONCE


async def test_each_hundred_orders_that_are_looked_at_are_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view, calls = offered(12), list[tuple[int, int]]()
    monkeypatch.setattr(quotes, "ORDERS_A_CALL", 5)
    of = Quotes(view, lambda user_id, count: calls.append((user_id, count)))
    await quoted(of, view)
    assert calls == [(1, 2)]

    def refuse(_user_id: int, _count: int) -> None:
        raise RateLimited(1)

    with pytest.raises(RateLimited):
        await quoted(Quotes(view, refuse), view)
