"""`probity verify` proves stocks after random days on a real engine, and finds what was changed."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import date, timedelta
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from exchange.messages.bounds import CREDIT_MAX
from exchange.messages.commands import CloseAccount, CreditAccount, DebitAccount, OpenAccount
from exchange.messages.events import CommandRejected
from gateway.economy.movements.movements import Kind, Movements
from gateway.economy.rewards.rules import day_of
from gateway.economy.stocks.desk import StockDesk, note_answer
from gateway.economy.stocks.jobs import StockInterest
from gateway.economy.stocks.orders import Ask
from gateway.economy.stocks.rules import trading
from gateway.economy.stocks.rules.loans import LOANS_MAX
from gateway.observability.logs import configure_logs
from gateway.wire.errors import Refused
from persistence.clock import now_us
from persistence.postgres.database import connect
from persistence.proof.verification import CheckResult, verify
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.stocks.stocks import NewStock, Stocks
from persistence.repositories.jobs import JobRows
from tests.lengths import length
from tests.persistence.running import Running, running

ANN, BEN, CEM, DEE = PEOPLE = (1, 2, 3, 4)
CASH = 1_000_000_000
ORCA = NewStock("ORCA", "Orca Motors", 1_000_000, 10_000, 500, 1_000)


class Exchange:
    """An engine with a stock, and ways to trade it."""

    def __init__(self, engine: Running) -> None:
        self.engine = engine
        self.pool = engine.pool
        notes = {Kind.STOCK: note_answer, Kind.LIQUIDATION: note_answer}
        commands, audit = engine.sequencer, AuditLog(self.pool)
        self.movements = Movements(self.pool, commands, audit, notes)
        self.desk = StockDesk(
            self.pool, self.movements, commands, engine.view, CollectorRegistry(), audit
        )
        logger = configure_logs("error")
        self.interest = StockInterest(self.pool, JobRows(self.pool), audit, logger)

    async def buy(self, person: int, shares: int, leverage: int = 1) -> None:
        ask = Ask(is_buy=True, shares=shares, leverage=leverage)
        await self.desk.trade(person, "ORCA", ask, None, "test")

    async def sell(self, person: int, shares: int) -> None:
        await self.desk.trade(person, "ORCA", Ask(is_buy=False, shares=shares), None, "test")

    async def pass_day(self) -> None:
        day: date = await self.pool.fetchval("SELECT interest_day + 1 FROM stocks")
        await self.interest.add(day)

    async def sweep(self) -> None:
        await self.pool.execute("UPDATE money_intents SET tried_at = 0")
        await self.movements.finish_left()


@asynccontextmanager
async def exchange(url: str) -> AsyncIterator[Exchange]:
    async with running(url) as engine:
        for person in PEOPLE:
            await engine.send(OpenAccount(person, CASH))
        made = Exchange(engine)
        now = now_us()
        added = await Stocks(engine.pool).add(ORCA, now, day_of(now) - timedelta(days=1_000))
        assert added is not None
        yield made


async def last_result(url: str) -> CheckResult:
    connection = await connect(url)
    try:
        return [result async for result in verify(connection)][-1]
    finally:
        await connection.close()


@pytest.mark.parametrize("most", [LOANS_MAX, 2])
async def test_random_days_are_accounted_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Where few may borrow, purchases pay back the loans of others."""
    monkeypatch.setattr(trading, "LOANS_MAX", most)
    seed = int(os.environ.get("SEED", "0")) or now_us()
    print("seed", seed)
    rng = Random(seed)
    async with exchange(database_url) as there:
        for _ in range(length(60, long=2_000)):
            person = rng.choice(PEOPLE)
            try:
                match rng.randrange(8):
                    case 0 | 1 | 2:
                        await there.buy(person, rng.randint(1, 5_000), rng.randint(1, 5))
                    case 3 | 4 | 5:
                        await there.sell(person, rng.randint(1, 8_000))
                    case 6:
                        await there.pass_day()
                    case _:
                        await there.sweep()
            except Refused:
                continue
        await there.sweep()
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("audit", True), result
        total = await there.pool.fetchval("SELECT sum(available) FROM accounts")
        assert total == len(PEOPLE) * CASH
        print(
            "kinds",
            *await there.pool.fetch(
                "SELECT kind, count(*) FROM stock_trades GROUP BY kind ORDER BY kind"
            ),
        )


async def test_a_view_that_is_behind_stops_no_trade(database_url: str) -> None:
    """As in a process beside the engine's, where another one has just traded the same stock."""
    async with exchange(database_url) as there:
        await there.buy(ANN, 100)
        live, behind = there.engine.view, deepcopy(there.engine.view)
        await there.buy(BEN, 5_000)
        there.desk._view = behind
        await there.buy(CEM, 100)
        await there.sell(BEN, 5_000)
        there.desk._view = live
        await there.sell(CEM, 100)
        await there.sell(ANN, 100)
        assert await there.pool.fetchval("SELECT supply FROM stocks") == 0
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("audit", True), result


async def test_a_view_that_lacks_the_reserve_stops_no_sale(database_url: str) -> None:
    """As where another process has just opened it, for the first who bought."""
    async with exchange(database_url) as there:
        without = deepcopy(there.engine.view)
        await there.buy(ANN, 100)
        there.desk._view = without
        await there.sell(ANN, 100)
        assert await there.pool.fetchval("SELECT supply FROM stocks") == 0


async def test_what_is_left_for_a_closed_account_stays_with_the_reserve(database_url: str) -> None:
    async with exchange(database_url) as there:
        await there.buy(ANN, 20_000)
        await there.buy(BEN, 10_000, 5)
        left = there.engine.view.accounts[BEN].available
        await there.engine.send(DebitAccount(BEN, left, "given up"))
        closed = await there.engine.send(CloseAccount(BEN))
        assert not isinstance(closed.events[0], CommandRejected)
        await there.sell(ANN, 20_000)
        rows = await there.pool.fetch(
            "SELECT shares, loan FROM stock_positions ORDER BY account_id"
        )
        assert [tuple(row) for row in rows] == [(0, 0), (0, 0)]
        assert there.engine.view.accounts[BEN].available == 0
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("audit", True), result


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE stocks SET supply = supply + 1", "the supply is not the sum"),
        ("UPDATE stock_positions SET shares = shares + 1", "the position is not the sum"),
        ("DELETE FROM stock_positions WHERE account_id = 1", "the position is not the sum"),
        (
            "UPDATE stocks SET base = base * 10",
            "the reserve's cash and the loans don't cover the supply",
        ),
        (
            (
                "WITH a AS (UPDATE stock_trades SET loan = loan + 900000000 WHERE account_id = 2)"
                " UPDATE stock_positions SET loan = loan + 900000000 WHERE account_id = 2"
            ),
            "account 2 owes more than its shares bring",
        ),
        ("UPDATE stock_trades SET amount = amount + 1 WHERE id = 1", "its command moves"),
        ("UPDATE stock_orders SET status = 'REFUSED' WHERE id = 1", "its intent DONE"),
        (
            "UPDATE stocks SET under_way = (SELECT min(id) FROM stock_orders)",
            "what is under way is not the order",
        ),
        # It covers all the more; only what was paid says that it is another one.
        ("UPDATE stocks SET base = base - 1", "stock trade 1 is not at the price"),
    ],
)
async def test_whatever_was_changed_is_found(database_url: str, change: str, problem: str) -> None:
    async with exchange(database_url) as there:
        await there.buy(ANN, 10_000)
        await there.buy(BEN, 10_000, 5)
        await there.sell(ANN, 100)
        await there.pool.execute(change)
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("stocks", False), result
        assert problem in result.detail


async def test_interest_of_too_much_is_found(database_url: str) -> None:
    async with exchange(database_url) as there:
        await there.buy(ANN, 10_000)
        await there.buy(BEN, 10_000, 5)
        await there.pass_day()
        assert (await last_result(database_url)).name == "audit"
        rows = await there.pool.fetch(
            "SELECT action, outcome FROM audit_log WHERE action = 'economy.interest'"
        )
        assert [tuple(row) for row in rows] == [("economy.interest", "ok")]
        for table in ("stock_trades WHERE kind = 'INTEREST'", "stock_positions WHERE loan > 0"):
            name, where = table.split(" ", 1)
            await there.pool.execute(f"UPDATE {name} SET loan = loan + 1 {where}")
        result = await last_result(database_url)
        assert "stock trade 3 is not at the price" in result.detail


async def test_more_than_a_leg_may_move_is_paid_by_several(database_url: str) -> None:
    """Bought in two purchases, each as large as one may be, and sold at once."""
    async with exchange(database_url) as there:
        rich = NewStock("RICH", "Rich", 10**12, 1, 0, 1)
        now = now_us()
        assert await Stocks(there.pool).add(rich, now, day_of(now)) is not None
        for request in ("a", "b"):
            credit = CreditAccount(ANN, CREDIT_MAX, "to begin with", request)
            await there.engine.send(credit)
            ask = Ask(is_buy=True, shares=90_000)
            await there.desk.trade(ANN, "RICH", ask, request, "test")
        ask = Ask(is_buy=False, shares=180_000)
        _, order, intent, _ = await there.desk.trade(ANN, "RICH", ask, "c", "test")
        assert order.amount > CREDIT_MAX
        assert intent is not None
        assert [leg.amount for leg in intent.command.legs] == [  # type: ignore[union-attr]
            CREDIT_MAX,
            order.amount - CREDIT_MAX,
        ]
        assert (await last_result(database_url)).name == "audit"
