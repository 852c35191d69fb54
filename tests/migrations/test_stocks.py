"""Step 0049 doesn't go back over what was traded."""

from datetime import date

import pytest

from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.economy.stocks.orders import NewOrder, StepRow, StockOrders
from persistence.repositories.economy.stocks.stocks import NewStock, Stocks


async def test_it_does_not_go_back_over_a_trade(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    row = await Stocks(pool).add(NewStock("ORCA", "Orca", 1, 1, 1, 1), 1, date(2026, 1, 1))
    assert row is not None
    step = StepRow("BUY", 1, 5, 0, 0, 5)
    new = NewOrder(row.id, 1, None, "BUY", "BUY", 1, 5, 0, 0, 0, 5, (step,))
    async with pool.transaction() as connection:
        await StockOrders.do(connection, new, 1)
    with pytest.raises(SchemaError, match="stocks were traded"):
        await migrate.downgrade(database_url, "0048")
    await pool.execute("DELETE FROM stock_trades")
    await pool.execute("DELETE FROM stock_orders")
    await pool.close()
    await migrate.downgrade(database_url, "0048")
