"""Limits before the trade over a real database: kept, and forgotten when they are lifted."""

import pytest

from exchange.messages.commands import Command
from exchange.messages.events import CommandRejected
from exchange.messages.limit_commands import SetAccountLimits, SetMarketLimits
from exchange.messages.limits import AccountLimits, MarketLimits
from exchange.messages.reasons import Reason
from persistence.errors import HistoryMismatch, SchemaError
from persistence.postgres import migrate
from tests.persistence.loop.test_triggers import all_is_well
from tests.persistence.running import ANN, BOB, Running, hashes, limit, open_for_trade, running

OF_MARKET = MarketLimits(order_quantity=500, order_notional=1, open_orders=2, position=900)
OF_ACCOUNT = AccountLimits(order_notional=10**9)


async def refused(engine: Running, command: Command) -> Reason | None:
    first = (await engine.send(command)).events[0]
    return first.reason if isinstance(first, CommandRejected) else None


async def test_limits_survive_a_restart_and_are_lifted_for_good(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(SetMarketLimits(1, OF_MARKET), SetAccountLimits(ANN, OF_ACCOUNT))
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert engine.live.markets[1].limits == OF_MARKET
        assert engine.view.accounts[ANN].limits == OF_ACCOUNT
        assert await refused(engine, limit(BOB, 50, 1)) is Reason.ORDER_TOO_LARGE
        assert await refused(engine, limit(ANN, 50, 6)) is Reason.ORDER_TOO_LARGE
        assert await refused(engine, limit(ANN, 50, 5)) is None
        await engine.send_all(SetMarketLimits(1, None), SetAccountLimits(ANN, AccountLimits()))
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert engine.live.markets[1].limits is None
        assert engine.live.accounts[ANN].limits is None
    await all_is_well(database_url)


async def test_limits_that_no_program_wrote_stop_the_start(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.pool.execute("""UPDATE markets SET limits = '{"weight": 3}'""")
    with pytest.raises(HistoryMismatch, match="limits"):
        async with running(database_url):
            pass


async def test_the_step_goes_back_while_there_are_none(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        before = hashes(engine)
    await migrate.downgrade(database_url, "0018")
    await migrate.upgrade(database_url)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        await engine.send(SetAccountLimits(ANN, OF_ACCOUNT))
    with pytest.raises(SchemaError, match="limits were set"):
        await migrate.downgrade(database_url, "0018")
