"""Order groups over a real database: what they filled, and that they were triggered, outlives the
process that knew it; the tables, the journal and the view agree.
"""

import msgspec
import pytest

from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, OrderCancelled
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.reasons import Reason
from exchange.messages.terms import NO, CancelReason
from exchange.model.order_groups import OrderGroup
from exchange.proof import invariants
from persistence.errors import SchemaError
from persistence.postgres import migrate
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    Running,
    hashes,
    limit,
    open_for_trade,
    running,
)


def quote(price: int, quantity: int, name: str = "mm") -> PlaceOrder:
    """Ann's bid for YES."""
    terms = OrderConditions(group=name)
    return msgspec.structs.replace(limit(ANN, price, quantity), conditions=terms)


def hit(price: int, quantity: int) -> PlaceOrder:
    """Bob's order that meets bids down to that price."""
    return msgspec.structs.replace(limit(BOB, 100 - price, quantity), outcome=NO)


def group_of(engine: Running, name: str = "mm") -> OrderGroup:
    return engine.live.groups[ANN][name]


async def proved(url: str) -> None:
    checks = [(check.name, check.passed) for check in await results(url)]
    assert checks == [(name, True) for name in CHECKS]


async def test_what_was_filled_counts_after_a_restart(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(SetOrderGroup(ANN, "mm", 1_000, 3_600, 5_000))
        await engine.send_all(quote(60, 20), quote(55, 1), hit(60, 6))
        # A batch that is undone has filled nothing.
        undone = BatchOrders(BOB, (hit(60, 2), hit(60, 10**7)), all_or_none=True)
        assert isinstance((await engine.send(undone)).events[0], CommandRejected)
        before = hashes(engine)
        assert (group_of(engine).filled, group_of(engine).net) == (600, 600)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        invariants.check(engine.live)
        group = group_of(engine)
        assert (group.filled, group.net, group.max_net, len(group.orders)) == (600, 600, 5_000, 2)
        await engine.send(hit(60, 4))
        ended = [
            event.reason
            for done in engine.heard.executions
            for event in done.events
            if isinstance(event, OrderCancelled)
        ]
        assert ended == [CancelReason.GROUP_LIMIT] * 2
        invariants.check(engine.view)
    await proved(database_url)


async def test_a_triggered_group_stays_so_until_it_is_reset(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(SetOrderGroup(ANN, "mm", 100, 1))
        await engine.send_all(quote(60, 1), hit(60, 1))
        assert group_of(engine).triggered
    async with running(database_url) as engine:
        engine.clock.fixed = engine.live.now + 60_000_000
        refused = (await engine.send(quote(50, 1))).events[0]
        assert isinstance(refused, CommandRejected)
        assert refused.reason is Reason.GROUP_LIMIT
        await engine.send(ResetOrderGroup(ANN, "mm"))
    async with running(database_url) as engine:
        assert (group_of(engine).triggered, group_of(engine).slices) == (False, {})
        await engine.send(quote(50, 1))
    await proved(database_url)


async def test_going_back_is_refused_while_there_are_groups(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
    await migrate.downgrade(database_url, "0017")
    await migrate.upgrade(database_url)
    async with running(database_url) as engine:
        await engine.send(SetOrderGroup(ANN, "mm", 100, 1))
    with pytest.raises(SchemaError, match="order groups"):
        await migrate.downgrade(database_url, "0017")
