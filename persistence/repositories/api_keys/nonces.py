"""The nonces of signed calls that several processes remember together.

Laws: a nonce is taken by one statement, so that of the same call at several processes at once one
is taken. Many are taken together, in the order of the key, so that no two wait for each other in a
circle. What is written is not flushed at once: after a crash of PostgreSQL the last fraction of a
second may be forgotten, and the commit of orders waits for no nonce.
"""

from collections.abc import Sequence
from typing import Final

from persistence.postgres.database import DeadlinePool, affected

_TAKE: Final = """
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
     taken AS (
    INSERT INTO api_key_nonces (key_id, nonce, signed_at)
    SELECT key_id, nonce, signed_at
      FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS asked (key_id, nonce, signed_at),
           unflushed
     ORDER BY key_id, nonce
        ON CONFLICT DO NOTHING
    RETURNING key_id, nonce)
SELECT key_id, nonce FROM taken
"""
_PRUNE: Final = """
DELETE FROM api_key_nonces
 WHERE (key_id, nonce) IN (SELECT key_id, nonce FROM api_key_nonces WHERE signed_at < $1
                            LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class ApiKeyNonces:
    """Reads and writes nonces."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def take(
        self, key_ids: Sequence[int], nonces: Sequence[str], signed_at: Sequence[int]
    ) -> set[tuple[int, str]]:
        """Note nonces of calls (milliseconds); return those that nobody had noted before."""
        rows = await self._pool.fetch(_TAKE, list(key_ids), list(nonces), list(signed_at))
        return {(row["key_id"], row["nonce"]) for row in rows}

    async def prune(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` nonces of calls signed before a time; return how many."""
        return affected(await self._pool.execute(_PRUNE, before_ms, limit))
