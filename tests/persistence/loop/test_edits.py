"""Orders that admins end and markets that they edit, over a real database."""

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.commands import SetMarketStatus
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, MarketStatus, OrderStatus
from tests.persistence.loop.test_triggers import all_is_well
from tests.persistence.running import (
    ANN,
    BOB,
    HOUR,
    hashes,
    limit,
    listing,
    open_for_trade,
    running,
)


async def test_an_edit_and_its_closing_survive_a_restart(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        later = engine.live.now + 900 * HOUR
        await engine.send_all(
            listing("snow"),
            SetMarketStatus(2, MarketStatus.HALTED),
            EditMarket(2, "Is it white?", 'O\'Hara says: "yes" \\ no', "cold", later, 7),
        )
        # An admin's command would overtake the order.
        await engine.send(limit(ANN, 50, 1))
        await engine.send(SetMarketStatus(1, MarketStatus.HALTED))
        await engine.send(EditMarket(1, question="Does it rain?"))
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        rain, snow = engine.live.markets[1], engine.view.markets[2]
        assert (rain.question, len(engine.live.orders)) == ("Does it rain?", 0)
        told = snow.question, snow.description, snow.category, snow.close_time, snow.min_quantity
        assert told == ("Is it white?", 'O\'Hara says: "yes" \\ no', "cold", later, 7)
        await engine.send(SetMarketStatus(1, MarketStatus.OPEN))
        await engine.send(limit(BOB, 50, 1))
        before = hashes(engine)
        row = await engine.pool.fetchrow("SELECT status, cancel_reason FROM orders WHERE id = 1")
        assert row is not None
        assert tuple(row) == (4, 34)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await all_is_well(database_url)


async def test_an_order_that_an_admin_ended_stays_ended(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 1))
        order = engine.view.orders[1]
        await engine.send(ForceCancel(1))
        assert (order.status, order.cancel_reason) == (OrderStatus.CANCELLED, CancelReason.ADMIN)
        again = (await engine.send(ForceCancel(1))).events[0]
        assert isinstance(again, CommandRejected)
        assert again.reason is Reason.ORDER_NOT_OPEN
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await all_is_well(database_url)
