"""Step 0012 gives orders of before the place they had, and goes back while nobody amended."""

import pytest

from exchange.messages.commands import AmendOrder
from exchange.messages.terms import NO
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import connect
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import ANN, BOB, CEM, cancel, hashes, limit, open_for_trade, running


async def test_a_history_of_before_goes_on(database_url: str) -> None:
    """What the step finds is what a program of before left: its orders have no place."""
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(*[limit(who, 50, 1) for who in (ANN, BOB, CEM, ANN)])
        await engine.send_all(cancel(ANN, 1), limit(CEM, 50, 1, NO))
        before = hashes(engine)
    await migrate.downgrade(database_url, "0011")
    await migrate.upgrade(database_url)
    connection = await connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM orders WHERE place = 0") == 5
    assert await connection.fetchval("SELECT next_place FROM engine_state") == 6
    await connection.close()
    assert all(check.passed for check in await results(database_url))
    async with running(database_url) as engine:
        assert hashes(engine) == before
        await engine.send(AmendOrder(CEM, 3, quantity=200))
        await engine.send(limit(BOB, 50, 1))
        assert [order.id for order in engine.view.markets[1].book.bids.orders()] == [4, 3, 6]
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert [order.id for order in engine.live.markets[1].book.bids.orders()] == [4, 3, 6]
    assert [(check.name, check.passed) for check in await results(database_url)] == [
        (name, True) for name in CHECKS
    ]


async def test_nobodys_place_is_lost_by_going_back(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 2))
        await engine.send(AmendOrder(ANN, 1, quantity=100))
    with pytest.raises(SchemaError, match="orders were amended"):
        await migrate.downgrade(database_url, "0011")
    async with running(database_url) as engine:
        assert engine.live.orders[1].version == 1
