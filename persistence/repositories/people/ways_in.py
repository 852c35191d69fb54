"""By what an account can be signed in to, and the one rule about it: never leave it without any.

Laws: each way is a query here, and nothing else knows what counts as one; a new way (a passkey) is
a row of `WAYS`. Whatever takes something of a way away does so within
`WaysIn.keeping_one`, which looks when the change is made and undoes it if nothing is left. The
user's row is locked meanwhile, so two changes at the same moment can't each take one of the last
two.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from persistence.errors import LastWayIn
from persistence.postgres.database import DeadlinePool, Fetching

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

ADDRESS_WAY: Final = "password"
"""The one that goes with the account's address."""
WAYS: Final[Mapping[str, str]] = {
    # A password is asked for beside an e-mail address.
    ADDRESS_WAY: "SELECT count(*) FROM users"
    " WHERE id = $1 AND password_hash IS NOT NULL AND email IS NOT NULL",
    "x": "SELECT count(*) FROM linked_accounts WHERE user_id = $1 AND provider = 'x'",
    "google": "SELECT count(*) FROM linked_accounts WHERE user_id = $1 AND provider = 'google'",
    "wallet": "SELECT count(*) FROM wallets WHERE user_id = $1",
    "passkey": "SELECT count(*) FROM passkeys WHERE user_id = $1",
}
"""By its name on the wire, how many of it a user has."""


async def ways_in(source: Fetching, user_id: int) -> list[str]:
    """Return the names of the ways that lead into an account."""
    return [name for name, count in WAYS.items() if await source.fetchval(count, user_id)]


class WaysIn:
    """Reads the ways in, and sees that one is left."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def of(self, user_id: int) -> list[str]:
        """Return the names of the ways that lead into an account."""
        return await ways_in(self._pool, user_id)

    @asynccontextmanager
    async def keeping_one(self, user_id: int) -> AsyncIterator["PoolConnectionProxy[Record]"]:
        """Lend a transaction that holds the user's row, for a change to the ways in.

        Raises LastWayIn at its end, and takes everything back, if the change left none.
        """
        async with self._pool.transaction() as connection:
            await connection.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", user_id)
            yield connection
            if not await ways_in(connection, user_id):
                raise LastWayIn
