"""Step 0003 takes the open orders along, there and back."""

import asyncio

from persistence.postgres import migrate
from persistence.postgres.database import Connection, connect

_OPEN = 867
_WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
 WHERE NOT granted AND datname = current_database()
"""
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


async def test_what_an_engine_has_under_way_is_taken_along(empty_database_url: str) -> None:
    await migrate.upgrade(empty_database_url, "0002")
    connection, engine = await connect(empty_database_url), await connect(empty_database_url)
    async with engine.transaction():
        await engine.execute(_ORDERS)
        step = asyncio.create_task(migrate.upgrade(empty_database_url, "0003"))
        await waits_for_a_lock(connection)
    await step
    assert len(await connection.fetch(_OPEN_BITS)) == _OPEN
    async with engine.transaction():
        await engine.execute("UPDATE orders SET filled = 7 WHERE id = 3")
        step = asyncio.create_task(migrate.downgrade(empty_database_url, "-1"))
        await waits_for_a_lock(connection)
    await step
    assert await connection.fetchval("SELECT filled FROM orders WHERE id = 3") == 7
    assert await connection.fetchval("SELECT count(*) FROM orders WHERE open") == _OPEN
    await engine.close()
    await connection.close()


async def waits_for_a_lock(connection: Connection) -> None:
    async with asyncio.timeout(30):
        while not await connection.fetchval(_WAITING):  # noqa: ASYNC110 - the server has no event
            await asyncio.sleep(0.01)
