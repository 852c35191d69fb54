"""GTD orders over a real database: each ends once, in its time, restarts and floods included."""

import msgspec
import pytest

from exchange.messages.commands import ExpireOrder, PlaceOrder, SetExchangeMode, SetMarketStatus
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, OrderCancelled
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    GTD,
    NO,
    CancelReason,
    ExchangeMode,
    MarketStatus,
    OrderStatus,
)
from exchange.proof import invariants
from persistence.loop import open_batch
from persistence.repositories.history import History
from tests.conftest import SetBound
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    Running,
    hashes,
    limit,
    open_for_trade,
    running,
    until,
)

SECOND = 1_000_000


def until_time(
    engine: Running, seconds: int, price: int = 50, *, post_only: bool = False
) -> PlaceOrder:
    """An order of one share that ends so many seconds after the engine's last command."""
    terms = OrderConditions(expires_at=engine.live.now + seconds * SECOND, post_only=post_only)
    return msgspec.structs.replace(limit(ANN, 50, 1), time_in_force=GTD, conditions=terms)


def expired(engine: Running) -> list[int]:
    """Ids of the orders that were heard to expire, in their order."""
    return [
        event.order_id
        for execution in engine.heard.executions
        for event in execution.events
        if isinstance(event, OrderCancelled) and event.reason is CancelReason.EXPIRED
    ]


async def test_an_order_ends_by_itself_and_is_free_again(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        due = engine.live.now + 60 * SECOND
        await engine.send(until_time(engine, 60))
        engine.clock.fixed = due - 1
        await engine.send(SetExchangeMode(ExchangeMode.HALTED))
        assert engine.view.orders
        engine.clock.fixed = due
        await until(lambda: not engine.view.orders)
        assert engine.view.accounts[ANN].available == CASH
        order = await History(engine.pool).order(1)
        assert order is not None
        assert (order.status, order.cancel_reason) == (OrderStatus.EXPIRED, CancelReason.EXPIRED)
    assert [(check.name, check.passed) for check in await results(database_url)] == [
        (name, True) for name in CHECKS
    ]


async def test_what_is_open_at_a_restart_expires_after_it(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        for seconds in (30, 10, 20):
            await engine.send(until_time(engine, seconds, post_only=True))
        await engine.send(SetMarketStatus(1, MarketStatus.FULL_HALT))
        before, last = hashes(engine), engine.live.now
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        invariants.check(engine.live)
        invariants.check(engine.view)
        engine.clock.fixed = last + 60 * SECOND
        await until(lambda: not engine.view.orders)
        assert expired(engine) == [2, 3, 1]
    async with running(database_url) as engine:
        assert expired(engine) == []
        assert not engine.live.orders


async def test_nothing_that_bears_the_time_of_an_expiry_trades_with_it(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(until_time(engine, 60))
        future = engine.sequencer.submit(limit(BOB, 50, 1, NO))
        engine.clock.fixed = engine.live.now + 60 * SECOND
        answer = await future
        assert len(answer.events) == 1
        assert engine.view.orders.keys() == {2}


@pytest.mark.parametrize("orders", [3 * 32 + 5])
async def test_a_flood_of_expiries_is_run_in_turns_before_what_comes_after(
    database_url: str, set_bound: SetBound, orders: int
) -> None:
    """Batches are full several times over, and the command that came waits for all of them."""
    set_bound(open_batch, "BATCH_BOUND", 40)
    async with running(database_url) as engine:
        await open_for_trade(engine)
        due = engine.live.now + 60 * SECOND
        terms = OrderConditions(expires_at=due)
        order = msgspec.structs.replace(limit(ANN, 50, 1), time_in_force=GTD, conditions=terms)
        await engine.send_all(*[order] * orders)
        future = engine.sequencer.submit(limit(BOB, 50, 1, NO))
        engine.clock.fixed = due
        answer = await future
        assert len(answer.events) == 1
        assert expired(engine) == list(range(1, orders + 1))
        batches = await engine.pool.fetch("SELECT first_seq, last_seq FROM journal")
        assert max(row["last_seq"] - row["first_seq"] + 1 for row in batches) <= orders
        assert engine.view.orders.keys() == {orders + 1}


async def test_an_expiry_that_is_not_due_is_refused(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(until_time(engine, 60))
        for order_id, reason in ((1, Reason.INVALID_ORDER), (2, Reason.ORDER_NOT_OPEN)):
            (event,) = (await engine.send(ExpireOrder(order_id))).events
            assert isinstance(event, CommandRejected)
            assert event.reason is reason
