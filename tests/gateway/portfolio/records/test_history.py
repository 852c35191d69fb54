"""Portfolios' values day by day: the job over a real engine's tables, and the route."""

import asyncio
import io
from collections.abc import AsyncIterator, Collection, Mapping

import pytest

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import NO, YES, Resolution
from gateway.feeds.known import (
    AllMarkets,
    KnownMarket,
    MarketRef,
    OurMarkets,
    OurStoredMarkets,
)
from gateway.observability.logs import configure_logs
from gateway.portfolio.records import jobs as module
from gateway.portfolio.records.jobs import PortfolioHistory
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.listed_markets import ListedMarkets
from persistence.repositories.people.users import Users
from persistence.repositories.portfolio_positions import NewPosition, PortfolioPositions
from persistence.repositories.portfolio_values import DAY_US, Noted, PastValue, PortfolioValues
from persistence.repositories.portfolios import Portfolios
from tests.gateway.conftest import Web
from tests.gateway.portfolio.venue_fake import VenueFake, caller, venue_market
from tests.persistence.running import ANN, BOB, CEM, limit, listing, open_for_trade, running

TODAY = 20_000
NOON = TODAY * DAY_US + DAY_US // 2
CENT = 10**6
"""A cent in 1/10^8."""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=4)
    for name in ("ann", "bob", "cem"):
        await Users(pool).insert(f"{name}@example.org", None, "USER", "!", 1)
    yield pool
    await pool.close()


def history(pool: DeadlinePool, venue: VenueFake, day: int = TODAY) -> PortfolioHistory:
    return PortfolioHistory(
        PortfolioPositions(pool),
        PortfolioValues(pool),
        AllMarkets(OurStoredMarkets(ListedMarkets(pool)), venue),
        configure_logs("error", io.StringIO()),
        kept_s=3 * 86_400,
        clock=lambda: NOON + (day - TODAY) * DAY_US,
    )


async def noted(pool: DeadlinePool, user_id: int, name: str, cents: int) -> int:
    """Note 100 YES of kalshi's RAIN down at so many cents, in a portfolio of its own."""
    made = await Portfolios(pool).create(user_id, name, "", 1, 99, is_default=False)
    new = NewPosition(
        platform="kalshi",
        external_id="RAIN",
        side=YES,
        quantity=100 * 10**8,
        avg_cost=cents * 10**4,
        ticker=None,
        question="?",
    )
    await PortfolioPositions(pool).add(user_id, made.id, new, 1, 99)
    return made.id


async def past(pool: DeadlinePool, user_id: int, portfolio_id: int | None) -> list[PastValue]:
    return await PortfolioValues(pool).past(user_id, portfolio_id, 2**31 - 1, 99)


async def test_a_day_is_noted_once(database_url: str, pool: DeadlinePool) -> None:
    venue = VenueFake(venue_market("RAIN"))
    number = await noted(pool, ANN, "main", 25)
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(limit(ANN, 60, 10), limit(BOB, 40, 10, NO))
        await engine.send(listing("hail"))
        await engine.send_all(limit(ANN, 50, 2, market=2), limit(CEM, 50, 2, NO, market=2))
        await engine.send(ResolveMarket(2, Resolution.YES, None, ""))
        await history(pool, venue).run({})
        own = PastValue(TODAY, NOON, 1, 0, 2_500 * CENT, 4_000 * CENT, 0)
        here = PastValue(TODAY, NOON, 1, 0, 600 * CENT, 600 * CENT, 100 * CENT)
        assert await past(pool, ANN, number) == [own]
        assert await past(pool, ANN, None) == [here]
        assert (await past(pool, BOB, None))[0].cost == 400 * CENT
        assert (await past(pool, CEM, None))[0].realized_pnl == -100 * CENT
        venue.change("RAIN", yes_price=9_000)
        await history(pool, venue).run({})
        assert await past(pool, ANN, number) == [own], "a second run changes nothing"
        await engine.send_all(limit(ANN, 70, 1), limit(BOB, 30, 1, NO))
        await history(pool, venue, TODAY + 1).run({})
        days = [await past(pool, ANN, portfolio_id) for portfolio_id in (number, None)]
        assert [[value.day for value in found] for found in days] == [[TODAY + 1, TODAY]] * 2
        assert (days[0][0].value, days[1][0].value) == (9_000 * CENT, 770 * CENT)


async def test_both_ways_to_our_markets_say_the_same(database_url: str, pool: DeadlinePool) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine, taker_fee=100)
        for slug in ("hail", "snow", "fog"):
            await engine.send(listing(slug))
        await engine.send_all(limit(ANN, 60, 10), limit(BOB, 40, 10, NO))
        await engine.send(ResolveMarket(2, Resolution.NO, None, ""))
        await engine.send(ResolveMarket(3, Resolution.SPLIT, 2_500, ""))
        await engine.send(ResolveMarket(4, Resolution.VOID, None, ""))
        refs = [MarketRef("exchange", str(number)) for number in range(1, 6)]
        by_view = await OurMarkets(engine.view).known_many(refs)
        stored = OurStoredMarkets(ListedMarkets(pool))
        assert await stored.known_many(refs) == by_view
        assert [by_view[ref].worth(YES) for ref in refs[:4]] == [6_000, 0, 2_500, 5_000]
        assert await stored.known("exchange", "9" * 30) is None
        assert await stored.known("kalshi", "1") is None


class Failing(VenueFake):
    """Fails at the second question."""

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        found = await super().known_many(refs)
        if self.asked == 2:
            raise ConnectionResetError
        return found


async def test_a_run_that_is_begun_again_goes_on(
    pool: DeadlinePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP", 1)
    numbers = [await noted(pool, ANN, str(n), 25) for n in range(3)]
    venue = Failing(venue_market("RAIN"))
    with pytest.raises(ConnectionResetError):
        await history(pool, venue).run({})
    assert [len(await past(pool, ANN, number)) for number in numbers] == [1, 0, 0]
    venue.change("RAIN", yes_price=5_000)
    await history(pool, venue).run({})
    values = [(await past(pool, ANN, number))[0].value for number in numbers]
    assert values == [4_000 * CENT, 5_000 * CENT, 5_000 * CENT]


async def test_runs_at_the_same_time_note_each_value_once(pool: DeadlinePool) -> None:
    numbers = [await noted(pool, ANN, str(n), 25) for n in range(5)]
    venue = VenueFake(venue_market("RAIN"))
    await asyncio.gather(*(history(pool, venue).run({}) for _ in range(3)))
    assert [len(await past(pool, ANN, number)) for number in numbers] == [1] * 5


async def test_what_is_deleted_meanwhile_is_left_out(pool: DeadlinePool) -> None:
    number = await noted(pool, ANN, "gone", 25)
    values = PortfolioValues(pool)
    await values.note(TODAY, NOON, [Noted(number, 1, 0, 1, 1, 0)])
    assert len(await past(pool, ANN, number)) == 1
    await Portfolios(pool).delete(ANN, number)
    await values.note(TODAY, NOON, [Noted(number, 1, 0, 1, 1, 0)])
    await values.note_here(TODAY, NOON, [Noted(99, 1, 0, 1, 1, 0)])
    assert await pool.fetchval("SELECT count(*) FROM portfolio_values") == 0


async def test_days_that_are_too_old_go(
    pool: DeadlinePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNED", 2)
    number = await noted(pool, ANN, "main", 25)
    for day in range(TODAY - 9, TODAY):
        await PortfolioValues(pool).note(day, NOON, [Noted(number, 1, 0, 1, 1, 0)])
    await history(pool, VenueFake(venue_market("RAIN"))).run({})
    days = [value.day for value in await past(pool, ANN, number)]
    assert days == [TODAY, TODAY - 1, TODAY - 2, TODAY - 3]


def test_a_run_comes_with_each_hour_of_a_day(pool: DeadlinePool) -> None:
    (job,) = history(pool, VenueFake()).jobs()
    ticks = [float(TODAY * 86_400)]
    while len(ticks) < 25:
        tick = job.next_tick(ticks[-1])
        assert tick is not None
        ticks.append(tick)
    assert ticks[1:] == [TODAY * 86_400 + hour * 3_600 + 180 for hour in range(24)]


async def test_a_portfolio_that_the_first_run_of_a_day_did_not_find(pool: DeadlinePool) -> None:
    venue = VenueFake(venue_market("RAIN"))
    early = await noted(pool, ANN, "early", 25)
    await history(pool, venue).run({})
    late = await noted(pool, ANN, "late", 25)
    venue.change("RAIN", yes_price=5_000)
    await history(pool, venue).run({})
    values = [(await past(pool, ANN, number))[0].value for number in (early, late)]
    assert values == [4_000 * CENT, 5_000 * CENT], "of a day the first that was noted stays"


async def test_the_history_of_a_portfolio_is_read_newest_first(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    pool = web.accounts.users._pool
    number = await noted(pool, ann.id, "main", 25)
    values = PortfolioValues(pool)
    for day in range(5):
        one = Noted(number, 2, 1, 10**8, 3 * 10**8, -CENT)
        await values.note(TODAY + day, NOON + day * DAY_US, [one])
    await values.note_here(TODAY, NOON, [Noted(ann.id, 1, 0, 0, CENT, 0)])
    found: list[dict[str, object]] = []
    cursor = ""
    while True:
        path = f"/portfolios/{number}/history?limit=2{cursor}"
        body = (await ann.call("GET", path)).json()
        found += body["data"]
        if body["nextCursor"] is None:
            break
        cursor = f"&cursor={body['nextCursor']}"
    days = [f"2024-10-0{n}" for n in (8, 7, 6, 5, 4)]
    assert [one["day"] for one in found] == days
    assert found[-1] == {
        "day": "2024-10-04",
        "at": "2024-10-04T12:00:00.000Z",
        "openPositions": 2,
        "unpricedPositions": 1,
        "cost": "1.00000000",
        "value": "3.00000000",
        "unrealizedPnl": "2.00000000",
        "realizedPnl": "-0.01000000",
        "totalPnl": "1.99000000",
    }
    (here,) = await ann.data("GET", "/portfolios/exchange/history")
    assert here["value"] == "0.01000000"
    assert await ben.data("GET", "/portfolios/exchange/history") == []
    assert (await ben.call("GET", f"/portfolios/{number}/history")).status_code == 404
    for query, field in (("limit=0", "limit"), ("cursor=x", "cursor"), ("offset=1", "offset")):
        refused = await ann.refused("GET", f"/portfolios/{number}/history?{query}")
        assert refused == (400, [field])
