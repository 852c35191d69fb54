"""Counts of sign-ins over all processes: hits of keys in a window, and in the one before.

A window begins with the first hit, and the next one where it ends. What is held against a key moves
with the clock: the hits of its window, and of those before the share that a window of the same
length, ending now, would still hold ("sliding window counter"), so that nobody has twice as many
around the end of a window.

Laws: a hit is counted before what it is counted for, in one statement, so that attempts at the same
moment in any number of processes can't all find room; what turns out not to count is given back.
Windows go by the database's clock. Keys are hashes (32 bytes) and mean nothing here.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, affected

_AT: Final = "(excluded.ends_at - excluded.window_us)"
_STANDS: Final = f"c.ends_at > {_AT}"
"""The window of the hits before this one."""
_FOLLOWS: Final = f"c.ends_at + excluded.window_us > {_AT}"
"""The window behind that one, and none in between."""
# Rows are locked in the order of the keys, whoever counts which of them together.
_HIT: Final = f"""
WITH hit AS (
    INSERT INTO sign_in_counts AS c (key, hits, ends_at, window_us)
    SELECT key, 1, now_us + window_us, window_us
      FROM (SELECT {NOW}) AS t (now_us),
           unnest($1::bytea[], $2::bigint[]) AS k (key, window_us) ORDER BY key
        ON CONFLICT (key) DO UPDATE
       -- `excluded` tells the time of this hit: all that is set goes by the same.
       SET hits = CASE WHEN {_STANDS} THEN c.hits + 1 ELSE 1 END,
           hits_before = CASE WHEN {_STANDS} THEN c.hits_before
                              WHEN {_FOLLOWS} THEN c.hits ELSE 0 END,
           ends_at = CASE WHEN {_STANDS} THEN c.ends_at
                          WHEN {_FOLLOWS} THEN c.ends_at + excluded.window_us
                          ELSE excluded.ends_at END,
           window_us = excluded.window_us
    RETURNING key, hits, hits_before, ends_at, window_us)
SELECT key, hits, ends_at - {NOW} AS left_us, hits_before, window_us FROM hit
 UNION ALL
SELECT key, hits, ends_at - {NOW}, hits_before, window_us FROM sign_in_counts
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
 WHERE key IN (SELECT key FROM sign_in_counts
                WHERE ends_at <= $1 AND ends_at + window_us <= $1
                LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Hits(msgspec.Struct, frozen=True):
    """How often a key was hit in its window, in how many microseconds that ends, and how often it
    was hit in the one before, which was as long.
    """

    hits: int
    left_us: int
    before: int = 0
    window_us: int = 0

    def held(self, most: int) -> int:
        """Return how many are held against a key that may be hit `most` times in a window."""
        if self.before == 0 or self.window_us <= 0:
            return self.hits
        # Those that were refused are held against nobody a second time.
        return self.hits + min(self.before, most) * max(0, self.left_us) // self.window_us

    def wait_us(self, most: int, *, is_given_back: bool) -> int:
        """Return in how many microseconds one more will find room, if this one stays or is taken
        back.
        """
        before, hits = min(self.before, most), self.hits - is_given_back
        if hits >= most or before == 0:
            return self.left_us
        return max(0, self.left_us - (most - hits) * self.window_us // before)


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
        return {row["key"]: Hits(*tuple(row)[1:]) for row in rows}

    async def give_back(self, keys: Sequence[bytes]) -> None:
        """Take one hit of each key back."""
        await self._pool.execute(_GIVE_BACK, list(keys))

    async def settle(self, keys: Sequence[bytes], known: bytes, kept_us: int) -> None:
        """Take one hit of each key back, and let another stand for so long from now."""
        await self._pool.execute(_SETTLE, list(keys), known, kept_us)

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` counts that are held against nobody since a time."""
        return affected(await self._pool.execute(_PRUNE, before, limit))
