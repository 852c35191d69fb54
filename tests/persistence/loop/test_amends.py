"""Amends over a real database: stored whole, and the queue at a price survives a restart."""

import msgspec

from exchange.messages.commands import AmendOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import GTD, NO
from persistence.postgres.database import connect
from persistence.repositories.history import History
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    cancel,
    hashes,
    limit,
    open_for_trade,
    running,
    until,
)

SECOND = 1_000_000


async def test_the_queue_at_a_price_survives_a_restart(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(*[limit(who, 50, 3) for who in (ANN, BOB, CEM)])
        # In the batch of their placing, in a later one, there and back, and without losing it.
        await engine.send_all(limit(ANN, 50, 3), AmendOrder(ANN, 4, quantity=400))
        await engine.send(AmendOrder(ANN, 1, quantity=400))
        await engine.send(AmendOrder(BOB, 2, price=5_100))
        await engine.send(AmendOrder(BOB, 2, price=5_000))
        await engine.send(AmendOrder(CEM, 3, quantity=200))
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        bids = list(engine.live.markets[1].book.bids.orders())
        assert [(order.id, order.version) for order in bids] == [(3, 1), (4, 1), (1, 1), (2, 2)]
        await engine.send(limit(BOB, 50, 1, NO))
        assert engine.view.orders[3].filled == 100
        await engine.send_all(cancel(ANN, 1), cancel(BOB, 2))
        read = await History(engine.pool).order(2)
        assert read is not None
        assert (read.version, read.place, read.price) == (2, 8, 5_000)
    assert [(check.name, check.passed) for check in await results(database_url)] == [
        (name, True) for name in CHECKS
    ]


async def test_an_order_with_another_end_ends_then(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = engine.live.now + 60 * SECOND
        terms = OrderConditions(expires_at=first)
        await engine.send(
            msgspec.structs.replace(limit(ANN, 50, 1), time_in_force=GTD, conditions=terms)
        )
        await engine.send(AmendOrder(ANN, 1, expires_at=first + SECOND))
    async with running(database_url) as engine:
        engine.clock.fixed = first
        await engine.send(limit(BOB, 40, 1))
        assert engine.view.orders.keys() == {1, 2}
        engine.clock.fixed = first + SECOND
        await until(lambda: engine.view.orders.keys() == {2})


async def test_verify_sees_a_place_or_a_version_that_was_changed(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 2))
        await engine.send(AmendOrder(ANN, 1, quantity=300))
        await engine.send(cancel(ANN, 1))
    for column in ("place", "version"):
        connection = await connect(database_url)
        await connection.execute(f"UPDATE orders SET {column} = {column} + 1")
        last = (await results(database_url))[-1]
        assert (last.name, last.passed) == ("orders", False)
        assert column in last.detail
        await connection.execute(f"UPDATE orders SET {column} = {column} - 1")
        await connection.close()
    assert all(check.passed for check in await results(database_url))
