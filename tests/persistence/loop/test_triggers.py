"""Orders that wait for a price over a real database: nothing that is due is lost or done twice, and
commands that come meanwhile get their turn.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from exchange import engine as core
from exchange.messages.commands import (
    CancelOrder,
    PlaceOco,
    PlaceOrder,
    SetMarketStatus,
    TriggerOrder,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    IOC,
    LIMIT,
    NO,
    SELL,
    STOP,
    CancelReason,
    MarketStatus,
    OrderStatus,
)
from exchange.messages.waiting_events import OrdersReached, OrderTriggered
from exchange.proof import invariants
from persistence.loop import open_batch, running_order
from persistence.repositories.history import History
from tests.conftest import SetBound
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    Running,
    commits_held,
    hashes,
    limit,
    open_for_trade,
    running,
    until,
)


def stop(quantity: int = 1, trigger: int = 45, account: int = ANN) -> PlaceOrder:
    """Sell YES shares at the market once the last price is so many cents or less."""
    terms = OrderConditions(trigger_price=trigger * 100)
    order = msgspec.structs.replace(limit(account, 1, quantity, side=SELL), price=None, type=STOP)
    return msgspec.structs.replace(order, time_in_force=IOC, conditions=terms)


async def open_with_shares(engine: Running, shares: int = 1_000) -> None:
    """Ann has YES, Bob NO; the last price is 0.50 (orders 1 and 2)."""
    await open_for_trade(engine)
    await engine.send_all(limit(ANN, 50, shares), limit(BOB, 50, shares, NO))


async def fall(engine: Running, price: int) -> None:
    """Let one share trade at so many cents."""
    await engine.send_all(limit(CEM, price, 1), limit(BOB, 100 - price, 1, NO))


def triggered(engine: Running) -> list[int]:
    """Ids of the orders that were heard to be triggered, in their order."""
    return [
        event.order_id
        for execution in engine.heard.executions
        for event in execution.events
        if isinstance(event, OrderTriggered)
    ]


async def all_is_well(url: str) -> None:
    assert [(check.name, check.passed) for check in await results(url)] == [
        (name, True) for name in CHECKS
    ]


@asynccontextmanager
async def stopped_before_triggers(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[None]:
    """Let the engine commit what reaches orders, and die before it triggers them."""
    with monkeypatch.context() as patch:
        patch.setattr(core.Engine, "run_triggers", lambda *_: [])
        yield


async def test_what_waits_survives_a_restart_and_is_the_same(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        best = OrderConditions(trigger_price=6_000, worst_price=7_000)
        buy = msgspec.structs.replace(limit(CEM, 1, 5), price=None, type=STOP, time_in_force=IOC)
        await engine.send_all(stop(3), stop(2, 40), msgspec.structs.replace(buy, conditions=best))
        pair = PlaceOco(ANN, limit(ANN, 70, 5, side=SELL), stop(5, 30), "pair")
        await engine.send(pair)
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        invariants.check(engine.live)
        invariants.check(engine.view)
        assert (await engine.send(pair)).replayed
        await fall(engine, 45)
        await until(lambda: triggered(engine) == [3])
        assert engine.view.orders.keys() >= {4, 5, 6, 7}
    await all_is_well(database_url)


async def test_a_crash_between_a_command_and_its_triggers_loses_none(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(stop(1, 45), stop(1, 46), stop(1, 30), limit(CEM, 40, 9))
        async with stopped_before_triggers(monkeypatch):
            # What triggers would come next never comes: the engine dies behind that commit.
            await engine.sequencer.submit(limit(CEM, 44, 1))
            answer = await engine.sequencer.submit(limit(BOB, 56, 1, NO))
            assert any(isinstance(event, OrdersReached) for event in answer.events)
            engine.crash()
    async with running(database_url) as engine:
        # Without any command from outside.
        await until(lambda: triggered(engine) == [4, 3])
        stored = await History(engine.pool).order(3)
        assert stored is not None
        assert (stored.status, stored.place) == (OrderStatus.FILLED, engine.live.next_place - 1)
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert triggered(engine) == []
        assert engine.view.orders.keys() == {5, 6}
    await all_is_well(database_url)


async def test_a_hundred_are_triggered_between_two_commands_and_all_if_none_waits(
    database_url: str,
) -> None:
    count = 250
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(*[stop()] * count)
        await engine.send(limit(CEM, 40, count))
        # Held in the queue behind the one that reaches them all.
        fell = limit(CEM, 45, 1), limit(BOB, 55, 1, NO)
        waiting = [CancelOrder(BOB, 0), CancelOrder(ANN, 0), CancelOrder(BOB, 1)]
        async with commits_held(database_url):
            futures = [engine.sequencer.submit(limit(BOB, 10, 1))]
            await until(lambda: engine.sequencer._in_flight is not None)
            futures += [engine.sequencer.submit(command) for command in fell]
            futures += [engine.sequencer.submit(command) for command in waiting]
        await asyncio.gather(*futures)
        await until(lambda: len(triggered(engine)) == count)
        kinds = [
            "t" if isinstance(e.command, TriggerOrder) else "c" for e in engine.heard.executions
        ]
        runs = [len(part) for part in "".join(kinds).split("c")]
        assert max(runs[:-1], default=0) <= 100
        assert triggered(engine) == list(range(3, 3 + count))
    await all_is_well(database_url)


@pytest.mark.parametrize("orders", [75])
async def test_a_flood_of_triggers_is_run_in_turns_and_batches(
    database_url: str, set_bound: SetBound, orders: int
) -> None:
    set_bound(open_batch, "BATCH_BOUND", 40)
    set_bound(running_order, "TRIGGERS_BETWEEN", 20)
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(*[stop()] * orders)
        await engine.send(limit(CEM, 40, orders))
        await fall(engine, 45)
        await until(lambda: len(triggered(engine)) == orders)
        batches = await engine.pool.fetch("SELECT first_seq, last_seq FROM journal")
        assert max(row["last_seq"] - row["first_seq"] + 1 for row in batches) <= 40 + 32
        await engine.send(limit(BOB, 10, 1))
    await all_is_well(database_url)


async def test_what_is_due_at_a_halt_waits_until_it_is_over(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(stop(), limit(CEM, 40, 9))
        async with stopped_before_triggers(monkeypatch):
            await engine.sequencer.submit(limit(CEM, 44, 1))
            await engine.sequencer.submit(limit(BOB, 56, 1, NO))
            engine.crash()
    # A halt that comes first, as it does when more than a hundred are due.
    with monkeypatch.context() as patch:
        patch.setattr(core.Engine, "run_triggers", lambda *_: [])
        patch.setattr(running_order, "TRIGGERS_BETWEEN", 0)
        async with running(database_url) as engine:
            await engine.sequencer.submit(SetMarketStatus(1, MarketStatus.HALTED))
            before = hashes(engine)
            engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert not engine.live.due
        assert engine.view.orders.keys() == {3, 4}
        await engine.send(SetMarketStatus(1, MarketStatus.OPEN))
        await until(lambda: triggered(engine) == [3])
    await all_is_well(database_url)


async def test_what_only_a_market_mark_shows_is_stored(database_url: str) -> None:
    """Shares of an order outside the book come free and net: nothing public changes by it."""
    async with running(database_url) as engine:
        await open_with_shares(engine, 10)
        await engine.send(stop(10))
        await engine.send_all(limit(ANN, 50, 10, NO), limit(BOB, 50, 10))
        seq = engine.view.markets[1].seq
        collateral = engine.view.markets[1].collateral
        await engine.send(CancelOrder(ANN, 3))
        assert engine.view.markets[1].seq == seq
        assert engine.view.markets[1].collateral < collateral
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        invariants.check(engine.live)
    await all_is_well(database_url)


async def test_a_pairs_end_is_stored(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send(PlaceOco(ANN, limit(ANN, 70, 100, side=SELL), stop(100, 40)))
        await engine.send(limit(CEM, 70, 30))
        history = History(engine.pool)
        ended, left = await history.order(3), await history.order(4)
        assert ended is not None
        assert left is not None
        assert (ended.status, ended.cancel_reason, ended.locked) == (
            *(OrderStatus.CANCELLED, CancelReason.OCO, 0),
        )
        assert (left.type, left.filled, left.locked, left.partner) == (LIMIT, 3_000, 7_000, 3)
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await all_is_well(database_url)


async def test_nobody_else_can_trigger(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send(stop())
        for order_id, reason in ((3, Reason.INVALID_ORDER), (4, Reason.ORDER_NOT_OPEN)):
            (event,) = (await engine.send(TriggerOrder(order_id))).events
            assert isinstance(event, CommandRejected)
            assert event.reason is reason
