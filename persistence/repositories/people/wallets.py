"""Wallets that people sign in with, and the nonces of the messages that they sign.

Laws: a wallet is one account's, whoever asks at the same moment; the bound on an account's wallets
holds exactly. A nonce is taken once, by whichever process is first, and only while it lasts; there
is no other trace of it. Times are the database's, in microseconds since the epoch.
"""

from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from persistence.errors import AlreadyThere, BoundReached
from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.people.users import User, Users
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

_COLUMNS: Final = "id, user_id, kind, address, created_at, last_used_at"
_INSERT: Final = (
    "INSERT INTO wallets (user_id, kind, address, created_at, last_used_at)"  # noqa: S608 - names of ours
    f" VALUES ($1, $2, $3, {NOW}, {NOW}) RETURNING {_COLUMNS}"
)
_OF_USER: Final = f"SELECT {_COLUMNS} FROM wallets WHERE user_id = $1 ORDER BY id"  # noqa: S608 - names of ours
_USE: Final = (
    f"UPDATE wallets SET last_used_at = {NOW} WHERE kind = $1 AND address = $2"  # noqa: S608 - names of ours
    f" RETURNING {_COLUMNS}"
)
_NEW_NONCE: Final = f"INSERT INTO wallet_nonces VALUES ($1, {NOW} + $2) RETURNING expires_at"  # noqa: S608 - names of ours
_TAKE_NONCE: Final = (
    f"DELETE FROM wallet_nonces WHERE nonce = $1 RETURNING expires_at > {NOW} AS holds"  # noqa: S608 - names of ours
)
_PRUNE: Final = """
DELETE FROM wallet_nonces
 WHERE nonce IN (SELECT nonce FROM wallet_nonces WHERE expires_at <= $1
                  LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Wallet(msgspec.Struct, frozen=True):
    """A wallet and whose it is."""

    id: int
    user_id: int
    kind: str
    address: str
    created_at: int
    last_used_at: int


class Wallets:
    """Reads and writes wallets."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def used(self, kind: str, address: str) -> Wallet | None:
        """Note that a wallet has signed somebody in, and return it; None for one of nobody."""
        row = await self._pool.fetchrow(_USE, kind, address)
        return None if row is None else _wallet(row)

    async def of_user(self, user_id: int) -> list[Wallet]:
        """Return somebody's wallets, oldest first; there are few."""
        return [_wallet(row) for row in await self._pool.fetch(_OF_USER, user_id)]

    async def add(self, user_id: int, kind: str, address: str, most: int) -> Wallet:
        """Link a wallet to an account.

        Raises AlreadyThere if it is linked to one, BoundReached if this one has `most` already.
        """
        try:
            async with self._pool.transaction() as connection:
                await connection.execute(HOLD_OWNER, user_id)
                count = await connection.fetchval(
                    "SELECT count(*) FROM wallets WHERE user_id = $1", user_id
                )
                if count >= most:
                    raise BoundReached
                return await _add(connection, user_id, kind, address)
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None

    async def add_with_user(self, kind: str, address: str, role: str) -> User:
        """Add a user whose only way in is a wallet; raises AlreadyThere if it is somebody's."""
        try:
            async with self._pool.transaction() as connection:
                user = await Users.insert_nameless(connection, role)
                await _add(connection, user.id, kind, address)
                return user
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None

    @staticmethod
    async def remove(source: Fetching, user_id: int, wallet_id: int) -> Wallet | None:
        """Take a wallet from its owner, in the transaction of `source`; return what it was."""
        row = await source.fetchrow(
            f"DELETE FROM wallets WHERE user_id = $1 AND id = $2 RETURNING {_COLUMNS}",  # noqa: S608 - names of ours
            user_id,
            wallet_id,
        )
        return None if row is None else _wallet(row)

    # -- nonces -------------------------------------------------------------------------------

    async def new_nonce(self, nonce: str, lasts_us: int) -> int:
        """Store a nonce for so long from now; return when it ends."""
        ends_at: int = await self._pool.fetchval(_NEW_NONCE, nonce, lasts_us)
        return ends_at

    async def take_nonce(self, nonce: str) -> bool:
        """Use a nonce up; say whether there was one that had not ended."""
        return bool(await self._pool.fetchval(_TAKE_NONCE, nonce))

    async def prune_nonces(self, before: int, limit: int) -> int:
        """Delete at most `limit` nonces that ended before a time; return how many."""
        return affected(await self._pool.execute(_PRUNE, before, limit))


async def _add(source: Fetching, user_id: int, kind: str, address: str) -> Wallet:
    return _wallet(await source.fetchrow(_INSERT, user_id, kind, address))


def _wallet(row: "Record") -> Wallet:
    return Wallet(*row)
