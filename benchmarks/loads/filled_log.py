"""A database as it is after some minutes of trading: its write-ahead log is made and is used again.

PostgreSQL makes each 16 MB of a young log by writing zeroes, 5 to 60 ms as the disk goes, and every
order of the moment waits for it: once in ten thousand orders, until the first checkpoints let it
use old segments again. Benchmarks measure what comes after that.
"""

from typing import Final

from persistence.embedded.server import EmbeddedPostgres
from persistence.postgres.database import connect

MEGABYTES: Final = 512
"""More than any benchmark writes between two checkpoints."""
_FILL: Final = """
SELECT count(pg_logical_emit_message(false, 'benchmark', repeat('x', 1000000)))
  FROM generate_series(1, $1)
"""


async def fill_log(server: EmbeddedPostgres) -> None:
    """Write that much into the log, and let a checkpoint free its segments."""
    connection = await connect(server.superuser_url)
    try:
        await connection.execute(_FILL, MEGABYTES, timeout=60)
        await connection.execute("CHECKPOINT", timeout=60)
    finally:
        await connection.close()
