"""Counts of sign-ins over all processes: hits of keys in windows that begin with the first.

Laws: a hit is counted before what it is counted for, in one statement, so that attempts at the same
moment in any number of processes can't all find room; what turns out not to count is given back.
Windows go by the database's clock. Keys are hashes (32 bytes) and mean nothing here.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, affected

# Rows are locked in the order of the keys, whoever counts which of them together.
_HIT: Final = f"""
WITH hit AS (
    INSERT INTO sign_in_counts AS c (key, hits, ends_at)
    SELECT key, 1, {NOW} + window_us
      FROM unnest($1::bytea[], $2::bigint[]) AS k (key, window_us) ORDER BY key
        ON CONFLICT (key) DO UPDATE
       SET hits = CASE WHEN c.ends_at > {NOW} THEN c.hits + 1 ELSE 1 END,
           ends_at = CASE WHEN c.ends_at > {NOW} THEN c.ends_at ELSE excluded.ends_at END
    RETURNING key, hits, ends_at)
SELECT key, hits, ends_at - {NOW} AS left_us FROM hit
 UNION ALL
SELECT key, hits, ends_at - {NOW} FROM sign_in_counts
 WHERE key = ANY($3::bytea[]) AND ends_at > {NOW}
"""  # noqa: S608 - put together from constants of this file
_GIVE_BACK: Final = """
UPDATE sign_in_counts SET hits = hits - 1
 WHERE key IN (SELECT key FROM sign_in_counts
                WHERE key = ANY($1::bytea[]) AND hits > 0 ORDER BY key FOR UPDATE)
"""
_SETTLE: Final = f"""
WITH given_back AS ({_GIVE_BACK})
INSERT INTO sign_in_counts VALUES ($2, 1, {NOW} + $3)
    ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at
"""  # noqa: S608 - names of ours
_PRUNE: Final = """
DELETE FROM sign_in_counts
 WHERE key IN (SELECT key FROM sign_in_counts WHERE ends_at <= $1
                LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Hits(msgspec.Struct, frozen=True):
    """How often a key was hit in its window, and in how many microseconds that ends."""

    hits: int
    left_us: int


class SignInCounts:
    """Reads and writes the counts."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    @property
    def longest_s(self) -> float:
        """How long one statement takes at most."""
        return self._pool.lent_s

    async def hit(
        self, keys: Sequence[bytes], windows_us: Sequence[int], looked_at: Sequence[bytes] = ()
    ) -> dict[bytes, Hits]:
        """Count one more for each key, a new window being as long as `windows_us` says.

        Returns what stands then, and of the keys that are only `looked_at` those that stand.
        """
        rows = await self._pool.fetch(_HIT, list(keys), list(windows_us), list(looked_at))
        return {row["key"]: Hits(row["hits"], row["left_us"]) for row in rows}

    async def give_back(self, keys: Sequence[bytes]) -> None:
        """Take one hit of each key back."""
        await self._pool.execute(_GIVE_BACK, list(keys))

    async def settle(self, keys: Sequence[bytes], known: bytes, kept_us: int) -> None:
        """Take one hit of each key back, and let another stand for so long from now."""
        await self._pool.execute(_SETTLE, list(keys), known, kept_us)

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` counts whose windows ended before a time; return how many."""
        return affected(await self._pool.execute(_PRUNE, before, limit))
