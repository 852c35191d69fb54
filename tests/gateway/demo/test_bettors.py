"""The demonstration's bettors: each keeps a habit, all of them bet as anybody does."""

from random import Random

import pytest
from prometheus_client import CollectorRegistry

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import CancelAll, OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, IOC, MARKET, NO, YES
from gateway.bootstrap.economy import betting_of
from gateway.demo.bettors import BETTORS, Bettors, Habit, choose
from gateway.demo.markets import DEMO_MARKETS
from gateway.observability.logs import configure_logs
from persistence.repositories.economy.bets import Bets
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.bets.stories import MAKER, list_market, offer, project
from tests.gateway.economy.stories import pending

STEPS = 60
OTHER = 9_200


@pytest.mark.parametrize("chance", [500, 4_999, 5_000, 9_500])
def test_everybody_keeps_a_habit(chance: int) -> None:
    rng = Random(7)
    likelier, other = ("THIS", "THAT") if chance >= 5_000 else ("THAT", "THIS")
    sides = {habit: {choose(habit, chance, rng).side for _ in range(50)} for habit in Habit}
    assert sides == {
        Habit.FAVOURITES: {likelier},
        Habit.LONG_SHOTS: {other},
        Habit.SWINGS: {"THIS", "THAT"},
    }
    amounts = [choose(habit, chance, rng).amount for habit in Habit for _ in range(50)]
    assert 10 * MONEY_SCALE <= min(amounts) <= max(amounts) <= 60 * MONEY_SCALE


async def test_they_bet_and_sell_again(make_web: MakeWeb) -> None:
    web = await make_web()
    market_id = list_market(web, DEMO_MARKETS[0].slug, shares=100_000)
    people = [9_101 + number for number in range(len(BETTORS))]

    async def accounts(names: tuple[str, ...]) -> list[int]:
        assert names == BETTORS
        for one in people:
            web.engine.run(OpenAccount(one, 100_000 * MONEY_SCALE))
        return people

    parts, pool = web.parts, web.parts.pool
    known = parts.settings, parts.feeds, pool, parts.engine, web.accounts
    betting = betting_of(*known, CollectorRegistry())
    logger = configure_logs("info", web.log)
    bettors = Bettors(betting, Bets(pool), web.engine.view, logger, accounts, 0.01, 7)
    web.engine.run(OpenAccount(OTHER, MONEY_SCALE))
    web.engine.run(PlaceOrder(OTHER, market_id, BUY, YES, MARKET, None, 100, IOC))

    async def some_steps() -> set[tuple[int, str]]:
        for _ in range(STEPS // 2):
            await bettors.step()
            await project(web)
        rows = await pool.fetch("SELECT DISTINCT account_id, outcome FROM bet_states")
        return {(row[0], row[1]) for row in rows}

    swings = {(people[2], "NO"), (people[2], "YES")}
    assert await some_steps() == {(people[0], "NO"), (people[1], "YES"), *swings}
    # What was bought for less stands well now.
    web.engine.run(CancelAll(MAKER, None))
    offer(web, YES, 5_500, 1_000_000, market_id)
    offer(web, NO, 4_000, 1_000_000, market_id)
    await some_steps()
    assert await pool.fetchval("SELECT count(*) FROM bet_sales WHERE sold > 0") > 0
    assert await pending(web) == 0
    web.engine.check()
