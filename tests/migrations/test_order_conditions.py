"""Step 0004 adds a column to the orders that are there, and goes back while nobody needs it."""

import pytest

from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import connect

_ORDERS = """
INSERT INTO orders
SELECT id, 1, 1, 100, 0, 0, 0, 0, 0, 0, id, id, 7, 8, 5000, 1, 1, 1, 1, 1, 1, 0, 'client ' || id
  FROM generate_series(1, 9) AS id
"""


async def test_orders_without_conditions_go_up_and_back(empty_database_url: str) -> None:
    await migrate.upgrade(empty_database_url, "0003")
    connection = await connect(empty_database_url)
    await connection.execute(_ORDERS)
    before = await connection.fetch("SELECT * FROM orders ORDER BY id")
    await migrate.upgrade(empty_database_url, "0004")
    assert await connection.fetchval("SELECT count(*) FROM orders WHERE conditions IS NULL") == 9
    await migrate.downgrade(empty_database_url, "-1")
    assert await connection.fetch("SELECT * FROM orders ORDER BY id") == before
    await connection.close()


async def test_nobodys_conditions_are_lost_by_going_back(empty_database_url: str) -> None:
    await migrate.upgrade(empty_database_url, "0004")
    connection = await connect(empty_database_url)
    await connection.execute(_ORDERS)
    await connection.execute("UPDATE orders SET conditions = '{}' WHERE id = 3")
    with pytest.raises(SchemaError, match="orders with conditions"):
        await migrate.downgrade(empty_database_url, "-1")
    assert await connection.fetchval("SELECT conditions FROM orders WHERE id = 3") == "{}"
    assert await migrate.current_of(connection) == "0004"
    await connection.close()
