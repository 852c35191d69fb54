"""Adding interest to the loans on stocks, a day of UTC at a time.

Laws: each day is one order of the stock, decided on its held row like any trade; a day that was
missed is made up for. Who is sold out by it is paid by a transfer, which the sweep of the engine's
process sends; until that is done nothing further of that stock is decided. Where more are sold out
than one transfer can pay, the day goes on: those who are first have their order first. Each is a
line of the audit log.
"""

from datetime import date
from typing import Final

from exchange.messages.errors import InvariantViolated
from gateway.economy.movements.movements import Kind, Point
from gateway.economy.rewards.rules import day_of
from gateway.economy.stocks.orders import (
    INTEREST,
    asked_of_day,
    checked,
    new_order,
    of_one_transfer,
    payable,
    stock_of,
    transfer,
)
from gateway.economy.stocks.rules.trading import add_interest
from gateway.engine_side.audited import OK
from persistence.clock import now_us
from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, Queryable
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.intents import Intents, NewIntent
from persistence.repositories.economy.stocks.orders import StockOrders
from persistence.repositories.economy.stocks.stocks import Stocks

JOB: Final = "stock-interest"
DAYS_MAX: Final = 366
"""Days of a stock that are made up for at once."""


async def interest_today(source: Queryable) -> date:
    """Return which day of UTC it is by the database's clock, as interest goes by that."""
    return day_of(await database_now(source))


class Interest:
    """Adds it."""

    def __init__(self, pool: DeadlinePool, audit: AuditLog) -> None:
        self._pool = pool
        self._stocks = Stocks(pool)
        self._audit = audit

    async def add(self, today: date) -> int:
        """Add the interest of the days up to `today`, stock by stock; return how many orders.

        Raises InvariantViolated at the end if there was a stock that doesn't keep its laws.
        """
        added = 0
        problem: InvariantViolated | None = None
        for stock_id in await self._stocks.without_interest(today):
            try:
                added += await self.add_to(stock_id, today)
            except InvariantViolated as error:
                problem = problem or error
        if problem is not None:
            raise problem
        return added

    async def add_to(self, stock_id: int, today: date) -> int:
        """Add the interest of a stock's days up to `today`; return how many orders that took.

        It stops at one whose money has yet to move. Raises InvariantViolated.
        """
        for added in range(DAYS_MAX):
            if not await self._add_day(stock_id, today):
                return added
        return DAYS_MAX

    async def _add_day(self, stock_id: int, today: date) -> bool:
        """Add one day's interest, or the next part of it; say whether there was one to add."""
        self.reached(Point.BEFORE_INTENT, Kind.LIQUIDATION)
        number = await self._stored_day(stock_id, today)
        if number is None:
            return False
        self.reached(Point.AFTER_INTENT, Kind.LIQUIDATION)
        trail = AuditTrail(self._audit, JOB)
        await trail.note(None, "economy.interest", f"stock:{stock_id}:{number}", OK)
        return True

    async def _stored_day(self, stock_id: int, today: date) -> int | None:
        """Store one day's interest; return the order's number, None if there is none to add."""
        async with self._pool.transaction() as connection:
            row = await self._stocks.hold(connection, stock_id)
            if row.under_way is not None or row.interest_day >= today:
                return None
            holdings = await self._stocks.holdings(connection, stock_id)
            stock = stock_of(row, holdings)
            if not stock.loans:
                await self._stocks.bear_none(connection, stock_id, today)
                return None
            closed = [one.account_id for one in holdings if one.is_closed]
            steps, ends = of_one_transfer(payable(add_interest(stock), closed))
            checked(stock, steps, await self._stocks.cash(connection, stock_id))
            new = new_order(row, steps, None, asked_of_day(row, ends=ends), INTEREST)
            number = await StockOrders.next_number(connection)
            command = transfer(row, number, steps, INTEREST)
            if command is None:
                return (await StockOrders.do(connection, new, now_us())).id
            intent = NewIntent(Kind.LIQUIDATION, command)
            stored = await Intents.put_in_line(connection, intent, now_us())
            if stored is None:
                raise TypeError(f"{intent.key} stands for something else")
            await StockOrders.begin(connection, number, new, stored.id, now_us())
        return number

    def reached(self, point: Point, kind: Kind) -> None:
        """Go on; tests of crashes end the process here."""
