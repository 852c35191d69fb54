"""The database's clock: the one that all processes of an exchange share.

Laws: what one process writes and another one judges (a session's end, a refresh token's grace) goes
by this clock, since those of two machines differ; how far ours is from it is measured.
"""

from typing import Final

from persistence.clock import now_us
from persistence.postgres.database import Queryable

NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""In SQL: microseconds since the epoch."""
_ROUNDS: Final = 5


async def database_now(source: Queryable) -> int:
    """Return the database's clock, in microseconds since the epoch."""
    now: int = (await source.fetchrow(f"SELECT {NOW}"))[0]
    return now


async def compare_clocks(source: Queryable, rounds: int = _ROUNDS) -> tuple[int, int]:
    """Return (how far the database's clock is ahead of ours, the error of that), in microseconds.

    The quickest round's, whose error is at most half the way there and back.
    """
    found = []
    for _ in range(rounds):
        before = now_us()
        theirs = await database_now(source)
        after = now_us()
        # A clock that was set back in between would make the way negative.
        found.append((abs(after - before) // 2, theirs - (before + after) // 2))
    error, ahead = min(found)
    return ahead, error
