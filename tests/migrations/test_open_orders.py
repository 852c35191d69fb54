"""Step 0003 takes the open orders along, there and back."""

from persistence import migrate
from persistence.database import connect

_ORDERS = """
INSERT INTO orders
SELECT id, 1, 1, 100, 0, 0, 0, 0, 0, 0, id, id, 7, 8, 5000, 1, 1, 1, 1, 1,
       CASE WHEN id % 3 = 0 THEN 1 WHEN id % 3 = 1 THEN 2 ELSE 4 END, 0, id % 3 < 2, 'client ' || id
  FROM generate_series(1, 1300) AS id
"""
_OPEN_BITS = """
SELECT block * 512 + place
  FROM open_orders, generate_series(0, 511) AS place
 WHERE get_bit(bits, place) = 1 ORDER BY 1
"""


async def test_open_orders_become_bits_and_come_back(empty_database_url: str) -> None:
    await migrate.upgrade(empty_database_url, "0002")
    connection = await connect(empty_database_url)
    await connection.execute(_ORDERS)
    before = await connection.fetch("SELECT * FROM orders ORDER BY id")
    await migrate.upgrade(empty_database_url, "0003")
    bits = [row[0] for row in await connection.fetch(_OPEN_BITS)]
    assert bits == [row["id"] for row in before if row["open"]]
    await migrate.downgrade(empty_database_url, "-1")
    assert await connection.fetch("SELECT * FROM orders ORDER BY id") == before
    await connection.close()
