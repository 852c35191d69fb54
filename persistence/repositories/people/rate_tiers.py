"""The tiers of users' rate limits, as far as they aren't the standard one.

A market maker by role has that tier; one that an admin gave somebody comes before it.
"""

from typing import Final

from persistence.postgres.database import DeadlinePool

_ALL: Final = """
SELECT user_id, tier FROM rate_tiers
 UNION ALL
SELECT id, 'maker' FROM users u
 WHERE role = 'MARKET_MAKER' AND NOT EXISTS (SELECT FROM rate_tiers WHERE user_id = u.id)
"""


class RateTiers:
    """Reads and writes tiers, by their names."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def all(self) -> dict[int, str]:
        """Return every user's tier that isn't the standard one; few have one."""
        rows = await self._pool.fetch(_ALL)
        return {row["user_id"]: row["tier"] for row in rows}

    async def of(self, user_id: int) -> str | None:
        """Return a user's tier, None for the standard one."""
        found: str | None = await self._pool.fetchval(
            f"SELECT tier FROM ({_ALL}) t WHERE user_id = $1",  # noqa: S608 - a constant
            user_id,
        )
        return found

    async def set(self, user_id: int, tier: str | None) -> bool:
        """Give a user a tier, None for the standard one; False if there is no such user."""
        async with self._pool.transaction() as connection:
            # The user stays until this is written.
            found = await connection.fetchval(
                "SELECT id FROM users WHERE id = $1 FOR KEY SHARE", user_id
            )
            if found is None:
                return False
            if tier is None:
                await connection.execute("DELETE FROM rate_tiers WHERE user_id = $1", user_id)
            else:
                await connection.execute(
                    "INSERT INTO rate_tiers (user_id, tier) VALUES ($1, $2)"
                    " ON CONFLICT (user_id) DO UPDATE SET tier = excluded.tier",
                    user_id,
                    tier,
                )
        return True
