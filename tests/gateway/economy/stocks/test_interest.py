"""Interest on loans, day by day: added once, made up for, and who is sold out because of it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from exchange.messages.errors import InvariantViolated
from exchange.model.system_accounts import reserve_of
from gateway.economy.stocks import admin_routes, desk, jobs
from gateway.economy.stocks import interest as adding
from gateway.economy.stocks.interest import JOB
from gateway.economy.stocks.jobs import StockInterest
from gateway.economy.stocks.orders import of_one_transfer
from gateway.economy.stocks.rules.curve import Curve
from gateway.economy.stocks.rules.loans import Holding, Terms
from gateway.economy.stocks.rules.trading import StepKind, Stock, add_interest, after, check
from persistence.clock import now_us
from persistence.repositories.jobs import JobRows
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.economy.stocks.market import (
    START,
    buy,
    cash,
    history,
    list_stock,
    portfolio,
    refused,
    sell,
    stock,
)
from tests.gateway.economy.stories import moved, sweep

RESERVE = 9_000_000_000_000_001
TODAY = datetime.now(UTC).date()
DAY_US = 86_400_000_000


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")


def interest(web: Web) -> StockInterest:
    parts = web.parts
    return StockInterest(parts.pool, JobRows(parts.pool), parts.people.audit, parts.logger)


async def pass_days(web: Web, days: int, reserve: int = RESERVE) -> int:
    """Let days of interest be due; return how many were decided."""
    await web.parts.pool.execute("UPDATE stocks SET interest_day = $1", TODAY - timedelta(days))
    await know_reserve(web, reserve)
    return await interest(web).add(TODAY)


async def know_reserve(web: Web, reserve: int) -> None:
    """Put a reserve into the tables, as the real engine does."""
    pool: Any = web.parts.pool
    needed = await pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'accounts'"
        " AND is_nullable = 'NO' AND column_default IS NULL AND column_name NOT IN"
        " ('id', 'available')"
    )
    names = ", ".join(["id", "available", *(row[0] for row in needed)])
    values = ", ".join(["$1", "$2", *("1" for _ in needed)])
    await pool.execute("DELETE FROM accounts WHERE id = $1", reserve)
    await pool.execute(
        f"INSERT INTO accounts ({names}) VALUES ({values})", reserve, cash(web, reserve)
    )


async def test_a_day_adds_its_interest_once(web: Web) -> None:
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="100", leverage=5)
    await buy(web, ben, shares="10")
    assert await interest(web).add(TODAY) == 0
    assert await pass_days(web, 1) == 1
    assert await interest(web).add(TODAY) == 0
    # A thousandth of 120.
    [held] = await portfolio(web, ann)
    assert (held["loan"], held["realizedPnl"]) == ("120.120000", "-0.120000")
    assert [(one["type"], one["loan"], one["amount"]) for one in await history(web, ann)] == [
        ("INTEREST", "0.120000", "0.000000"),
        ("BUY", "120.000000", "-30.000000"),
    ]
    assert len(await moved(web)) == 2
    assert len(await history(web, ben)) == 1


async def test_days_that_were_missed_are_made_up_for(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    await buy(web, ann, shares="100", leverage=5)
    assert await pass_days(web, 3) == 3
    assert (await portfolio(web, ann))[0]["loan"] == "120.360361"
    await sell(web, ann, shares="100")
    # What was paid for the loan stays with the reserve.
    assert cash(web, RESERVE) == 360_361
    assert await pass_days(web, 3) == 0


async def test_a_loan_bears_no_interest_of_midnights_before_it(web: Web) -> None:
    """No worker ran through three of them, and people went on trading."""
    due = "UPDATE stocks SET interest_day = $1"
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await web.parts.pool.execute(due, TODAY - timedelta(3))
    await buy(web, ann, shares="100", leverage=5)
    await know_reserve(web, RESERVE)
    assert await interest(web).add(TODAY) == 0
    assert (await portfolio(web, ann))[0]["loan"] == "120.000000"
    # Who owed something then is charged for them, and nobody who borrows since.
    await web.parts.pool.execute(due, TODAY - timedelta(3))
    await buy(web, ben, shares="100", leverage=5)
    await know_reserve(web, RESERVE)
    assert await interest(web).add(TODAY) == 0
    assert (await portfolio(web, ann))[0]["loan"] == "120.360361"
    assert [one["type"] for one in await history(web, ben)] == ["BUY"]


async def test_who_pays_back_after_a_midnight_pays_its_interest(web: Web) -> None:
    """No worker ran through three of them, and one loan was paid back, partly and then wholly."""
    due = "UPDATE stocks SET interest_day = $1"
    await list_stock(web)
    ann = await web.register()
    await buy(web, ann, shares="100", leverage=5)
    await web.parts.pool.execute(due, TODAY - timedelta(2))
    await know_reserve(web, RESERVE)
    # It moves no money: the share brings 1.995 of the 120.240120 that are owed.
    await sell(web, ann, shares="1")
    assert (await portfolio(web, ann))[0]["loan"] == "118.245120"
    await web.parts.pool.execute(due, TODAY - timedelta(1))
    await sell(web, ann, shares="99")
    assert [one["type"] for one in await history(web, ann)] == [
        "SELL", "INTEREST", "SELL", "INTEREST", "INTEREST", "BUY"
    ]  # fmt: skip
    # Two days' 0.240120, a day's 0.118246 of what was owed then.
    assert cash(web, RESERVE) == 358_366


async def test_who_is_sold_out_by_the_interest_has_nothing_to_sell(web: Web) -> None:
    await list_stock(web, interestRate="0.1")
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="100")
    await buy(web, ben, shares="100", leverage=5)
    await web.parts.pool.execute("UPDATE stocks SET interest_day = $1", TODAY - timedelta(2))
    await know_reserve(web, RESERVE)
    assert await refused(web, ben, "sell", shares="100") == (422, "INSUFFICIENT_SHARES", "shares")
    assert [one["type"] for one in await history(web, ben)] == [
        "LIQUIDATION", "INTEREST", "INTEREST", "BUY"
    ]  # fmt: skip


async def test_a_stock_that_a_clock_ahead_lists_bears_interest_from_the_next_midnight(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_routes, "now_us", lambda: now_us() + 100 * DAY_US)
    await list_stock(web)
    assert await web.parts.pool.fetchval("SELECT interest_day FROM stocks") == TODAY


async def test_a_clock_that_is_ahead_charges_for_no_day_that_is_not_over(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a worker's nor that of a process that takes trades."""
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="100", leverage=5)
    await know_reserve(web, RESERVE)
    for module in (jobs, desk):
        monkeypatch.setattr(module, "now_us", lambda: now_us() + 100 * DAY_US, raising=False)
    [job] = interest(web).jobs()
    for _ in range(2):
        await job.run({})
        assert (await portfolio(web, ann))[0]["loan"] == "120.000000"
        await buy(web, ben, shares="1", leverage=5)
    assert (await portfolio(web, ann))[0]["loan"] == "120.000000"


async def test_who_borrows_sees_through_who_is_sold_out_by_the_interest(web: Web) -> None:
    await list_stock(web, interestRate="0.1")
    ann, ben, cat = [await web.register() for _ in range(3)]
    await buy(web, ann, shares="100")
    await buy(web, ben, shares="100", leverage=5)
    await web.parts.pool.execute("UPDATE stocks SET interest_day = $1", TODAY - timedelta(2))
    await know_reserve(web, RESERVE)
    await buy(web, cat, shares="1", leverage=2)
    assert [one["type"] for one in await history(web, ben)] == [
        "LIQUIDATION", "INTEREST", "INTEREST", "BUY"
    ]  # fmt: skip
    assert [one["type"] for one in await history(web, cat)] == ["BUY"]


async def test_who_can_not_bear_it_is_sold_out_by_one_transfer(web: Web) -> None:
    await list_stock(web, interestRate="0.1")
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="100")
    await buy(web, ben, shares="100", leverage=5)
    # 250 brought now, 220 + 1 needed of 200: a day makes 220 of it, and 242.000001 needed, two 266.
    assert await pass_days(web, 2) == 2
    assert (await portfolio(web, ben))[0]["loan"] == "220.000000"
    # Nothing else is decided before the sweep has sent it.
    assert await pass_days(web, 1) == 0
    assert (await moved(web))[-1][1] == "PENDING"
    assert await sweep(web) == 1
    assert (await stock(web))["supply"] == "100.00"
    [last, *_] = await history(web, ben)
    assert (last["type"], last["amount"], last["loan"]) == (
        "LIQUIDATION",
        "8.000000",
        "-242.000000",
    )
    assert cash(web, ben.id) == START - 50_000_000 + 8_000_000
    assert await pass_days(web, 1) == 0


def test_a_day_of_any_number_of_loans_is_added_by_transfers_of_200_legs() -> None:
    """Each is charged once, the transfers are as long as they may be, and the sum is the same."""
    terms = Terms(Curve(1_000_000, 1), 1_000, 1_000)
    # A share brings 1.00 and what it takes to pay the loan is 0.999901; a day later it is 1.099891.
    owing = {number: Holding(number, 100, 909_000) for number in range(1, 451)}
    stock, cash = Stock(terms, 45_000, owing), 10**12
    check(stock, cash)
    whole = add_interest(stock)
    charged, legs, ends = Counter[int](), [], False
    while not ends:
        steps, ends = of_one_transfer(add_interest(stock))
        stock, cash = after(stock, steps), cash - sum(step.amount for step in steps)
        check(stock, cash)
        charged.update(one.account_id for one in steps if one.kind is StepKind.INTEREST)
        legs.append(sum(one.kind is StepKind.LIQUIDATION for one in steps))
    assert legs == [200, 200, 50]
    assert charged == Counter(range(1, 451))
    assert cash == 10**12 - sum(step.amount for step in whole)
    assert stock == after(Stock(terms, 45_000, owing), whole)


async def test_a_day_goes_on_where_more_are_sold_out_than_one_transfer_pays(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "of_one_transfer", partial(of_one_transfer, most=2))
    await list_stock(web, interestRate="0.1", slope="0.000001")
    owing = [await web.register() for _ in range(5)]
    for one in owing:
        await buy(web, one, shares="100", leverage=5)
    # A day later each owes 88 of the 100 that the shares bring, which they bear; another one, 96.8.
    assert await pass_days(web, 2) == 2
    for gone, more in ((2, 1), (4, 1), (5, 0)):
        # Nothing is decided twice, however often the job runs before the sweep.
        assert await interest(web).add(TODAY) == 0
        assert await sweep(web) == 1
        assert (await stock(web))["supply"] == f"{500 - 100 * gone}.00"
        await know_reserve(web, RESERVE)
        assert await interest(web).add(TODAY) == more
    for one in owing:
        kinds = [line["type"] for line in await history(web, one)]
        assert kinds == ["LIQUIDATION", "INTEREST", "INTEREST", "BUY"]
    assert await web.parts.pool.fetchval("SELECT interest_day FROM stocks") == TODAY
    assert await pass_days(web, 1) == 0


async def test_a_trade_sees_it_through_first(web: Web) -> None:
    await list_stock(web, interestRate="0.1")
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="100")
    await buy(web, ben, shares="100", leverage=5)
    assert await pass_days(web, 2) == 2
    assert (await sell(web, ann, shares="1"))["price"] == "1.990000"
    assert [status for _, status in await moved(web)].count("PENDING") == 0


async def test_a_stock_that_breaks_its_laws_keeps_no_other_from_its_interest(web: Web) -> None:
    await list_stock(web, symbol="BAD")
    await list_stock(web)
    ann = await web.register()
    await buy(web, ann, symbol="BAD", shares="100", leverage=5)
    await buy(web, ann, shares="100", leverage=5)
    with pytest.raises(InvariantViolated, match="does not cover"):
        # The tables know the cash of the second reserve alone.
        await pass_days(web, 1, reserve_of(2))
    assert [one["loan"] for one in await portfolio(web, ann)] == ["120.000000", "120.120000"]


async def test_the_job_runs_at_the_start_and_often(web: Web) -> None:
    [job] = interest(web).jobs()
    assert job.name == JOB
    await job.run({})
    await interest(web).begin()
    await interest(web).begin()
    rows = JobRows(web.parts.pool)
    assert (await rows.standings([JOB]))[JOB].queued == 1
