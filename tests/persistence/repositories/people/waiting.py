"""Waiting until others wait: for tests of who comes first."""

import asyncio

from persistence.postgres.database import Fetching

_WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def wait_of(source: Fetching, others: int) -> None:
    """Wait until so many others of this database wait for a lock."""
    async with asyncio.timeout(20):
        while await source.fetchval(_WAITING) < others:
            # A transaction sees of these statistics what it saw first.
            await source.fetchval("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.01)
