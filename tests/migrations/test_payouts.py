"""Step 0013 goes back while nobody is being paid; a resolution of before runs again as it ran."""

import pytest

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import MarketStatus, Resolution
from exchange.rules import settlement
from persistence.errors import SchemaError
from persistence.postgres import migrate
from tests.conftest import SetBound
from tests.persistence.loop.long_commands.test_payouts import with_holders
from tests.persistence.proof.test_verification import results
from tests.persistence.running import hashes, running, until


async def test_a_history_of_before_goes_on(database_url: str, set_bound: SetBound) -> None:
    set_bound(settlement, "PAYOUT_HOLDERS", 2)
    async with running(database_url) as engine:
        await with_holders(engine, 5)
        # As journals of before have it: all holders by one command, however many.
        await engine.send(ResolveMarket(1, Resolution.YES, None, ""))
        assert engine.view.markets[1].status is MarketStatus.RESOLVED
        before = hashes(engine)
    await migrate.downgrade(database_url, "0012")
    await migrate.upgrade(database_url)
    async with running(database_url) as engine:
        assert hashes(engine) == before
    assert all(check.passed for check in await results(database_url))


async def test_nobody_stays_unpaid_by_going_back(database_url: str, set_bound: SetBound) -> None:
    set_bound(settlement, "PAYOUT_HOLDERS", 2)
    async with running(database_url) as engine:
        await with_holders(engine, 5)
        engine.clock.fixed = engine.live.now
        await engine.send(ResolveMarket(1, Resolution.YES, None, "", in_slices=True))
        await until(lambda: len(engine.view.markets[1].unpaid) == 3)
    with pytest.raises(SchemaError, match="holders are being paid"):
        await migrate.downgrade(database_url, "0012")
    async with running(database_url) as engine:
        await until(lambda: engine.view.markets[1].status is MarketStatus.RESOLVED)
