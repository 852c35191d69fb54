"""What the least durable thing takes: the INSERT and COMMIT of one row with one number.

One prepared statement in a transaction of its own, one after another on a connection of its own,
with `synchronous_commit=on`; each is timed from its sending to the return of its commit.
"""

import asyncio
import time
from typing import Final

from persistence.postgres.database import connect

NAME: Final = "a bare INSERT and COMMIT"


async def commit_seconds(url: str, count: int, pause_s: float = 0.0) -> list[float]:
    """Commit that often, with a pause after each; return how long each took."""
    found: list[float] = []
    connection = await connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS bare (number bigint)")
        insert = await connection.prepare("INSERT INTO bare VALUES ($1)")
        for number in range(count):
            started = time.perf_counter()
            await insert.fetch(number)
            found.append(time.perf_counter() - started)
            await asyncio.sleep(pause_s)
        await connection.execute("DROP TABLE bare")
    finally:
        await connection.close()
    return found
