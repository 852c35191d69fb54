"""A bet that another one on the other side has closed sells nothing of a third, although the
projector hasn't come so far: the real engine, and its ledger.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import IOC, MARKET, NO, SELL, YES
from gateway.economy.bets import betting
from gateway.economy.bets.betting import NOTES, Betting
from gateway.economy.bets.tallies import BetMetrics
from gateway.economy.movements.movements import Movements
from gateway.wire.errors import Refused, Unavailable
from persistence.projection.process import projections
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.bets import Bets
from tests.persistence.bet_stories import project
from tests.persistence.running import ANN, BOB, CEM, Running, limit, open_for_trade, running

CREDIT = MONEY_SCALE


class Bettor:
    """ANN, who bets."""

    def __init__(self, engine: Running) -> None:
        unused: Any = None
        movements = Movements(engine.pool, engine.sequencer, AuditLog(engine.pool), NOTES)
        metrics = BetMetrics(CollectorRegistry())
        self.rows = Bets(engine.pool)
        self.betting = Betting(self.rows, movements, engine.view, metrics, unused)
        self.engine = engine

    async def bet(self, side: str, amount: int) -> int:
        market = self.engine.view.markets[1]
        placed, _, _ = await self.betting.bet(
            ANN, market, side, amount * CREDIT, None, None, "call"
        )
        return placed.id

    async def sell(self, number: int, shares: int | None = None) -> int:
        quantity = None if shares is None else shares * 100
        sale, _, _ = await self.betting.sell(ANN, number, quantity, None, None, "call")
        return (sale.sold or 0) // 100


@pytest.fixture
async def ann(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bettor]:
    """Both sides are offered, YES at 0.40."""
    monkeypatch.setattr(betting, "BEHIND_TRIES", 2)
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(BOB, 60, 1_000, NO))
        await engine.send(limit(CEM, 35, 1_000, YES))
        yield Bettor(engine)


async def test_a_closed_bet_is_not_sold_out_of_another(ann: Bettor, database_url: str) -> None:
    first, second = await ann.bet("THIS", 40), await ann.bet("THIS", 40)
    # Of bets alone what is in each is known at once.
    assert await ann.sell(second, 10) == 10
    await ann.bet("THAT", 65)
    for number in (first, second):
        with pytest.raises(Unavailable):
            await ann.sell(number)
        with pytest.raises(Unavailable):
            await ann.betting.sellable(number)
    await project(database_url, projections())
    with pytest.raises(Refused) as ended:
        await ann.sell(first)
    assert ended.value.code == "BET_ENDED"
    assert await ann.sell(second) == 90


async def test_so_is_one_that_an_order_sold(ann: Bettor, database_url: str) -> None:
    first, second = await ann.bet("THIS", 40), await ann.bet("THIS", 40)
    await ann.engine.send(PlaceOrder(ANN, 1, SELL, YES, MARKET, None, 10_000, IOC))
    with pytest.raises(Unavailable):
        await ann.sell(first)
    await project(database_url, projections())
    assert await ann.sell(second) == 100
