"""Passkeys, and the challenges they are asked to sign.

Laws: a challenge is taken out by one statement, before what was signed is looked at, so it is good
for one try. A sign count only goes up: an answer that doesn't raise it changes nothing (of
authenticators that don't count it stays 0). Whatever an owner asks for is asked for with the owner.
The bound on somebody's passkeys holds exactly. Times are the database's, in microseconds since the
epoch.
"""

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from persistence.errors import AlreadyThere, BoundReached
from persistence.postgres.clocks import NOW, database_now
from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import (
    has_factor,
    hold_user,
    put_recovery_codes,
    settle,
)

if TYPE_CHECKING:
    from asyncpg import Record

OF_ONE_MOST: Final = 10
"""Challenges of somebody's that wait, for each purpose: the newest stay."""
PRUNED_WITH_EACH: Final = 10
_COLUMNS: Final = (
    "id, user_id, credential_id, public_key, sign_count, label, transports, is_synced, created_at,"
    " last_used_at"
)
_INSERT: Final = (
    "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, label, transports,"  # noqa: S608 - a constant
    f" is_synced, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}"
)
_OF_USER: Final = f"SELECT {_COLUMNS} FROM passkeys WHERE user_id = $1 ORDER BY id"  # noqa: S608 - a constant
_BY_CREDENTIAL: Final = f"SELECT {_COLUMNS} FROM passkeys WHERE credential_id = $1"  # noqa: S608 - a constant
_RENAME: Final = (
    f"UPDATE passkeys SET label = $3 WHERE user_id = $1 AND id = $2 RETURNING {_COLUMNS}"  # noqa: S608 - a constant
)
_ADVANCE: Final = """
UPDATE passkeys SET sign_count = $2, last_used_at = $3
 WHERE id = $1 AND ($2 > sign_count OR ($2 = 0 AND sign_count = 0))
"""
_BEGIN: Final = f"""
INSERT INTO passkey_challenges (challenge_hash, user_id, purpose, expires_at)
VALUES ($1, $2, $3, {NOW} + $4)
"""  # noqa: S608 - a constant
_BOUND: Final = """
DELETE FROM passkey_challenges
 WHERE challenge_hash IN (SELECT challenge_hash FROM passkey_challenges
                           WHERE user_id = $1 AND purpose = $2
                           ORDER BY expires_at DESC OFFSET $3 FOR UPDATE SKIP LOCKED)
"""
_TAKE: Final = f"""
DELETE FROM passkey_challenges
 WHERE challenge_hash = $1 AND purpose = $2 AND user_id IS NOT DISTINCT FROM $3
RETURNING expires_at > {NOW}
"""  # noqa: S608 - a constant
_PRUNE: Final = """
DELETE FROM passkey_challenges
 WHERE challenge_hash IN (SELECT challenge_hash FROM passkey_challenges WHERE expires_at <= $1
                           LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Purpose(enum.StrEnum):
    """What a challenge is for."""

    REGISTER = "register"
    PROVE = "prove"
    """A second factor, at sign-in or again later."""
    SIGN_IN = "sign-in"


class NewPasskey(msgspec.Struct, frozen=True):
    """What a passkey begins with."""

    user_id: int
    credential_id: bytes
    public_key: bytes
    """A COSE key."""
    sign_count: int
    label: str
    transports: list[str]
    is_synced: bool
    created_at: int


class PasskeyRow(msgspec.Struct, frozen=True):
    """A passkey."""

    id: int
    user_id: int
    credential_id: bytes
    public_key: bytes
    sign_count: int
    label: str
    transports: list[str]
    is_synced: bool
    created_at: int
    last_used_at: int | None


class PasskeyRows:
    """Reads and writes passkeys and their challenges."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def now(self) -> int:
        """Return the time by which challenges end."""
        return await database_now(self._pool)

    async def of_user(self, user_id: int) -> list[PasskeyRow]:
        """Return somebody's passkeys, oldest first; there are few."""
        return [_passkey(row) for row in await self._pool.fetch(_OF_USER, user_id)]

    async def by_credential(self, credential_id: bytes) -> PasskeyRow | None:
        """Return the passkey that an authenticator names."""
        row = await self._pool.fetchrow(_BY_CREDENTIAL, credential_id)
        return None if row is None else _passkey(row)

    async def create(
        self, new: NewPasskey, most: int, code_hashes: Sequence[bytes]
    ) -> tuple[PasskeyRow, bool]:
        """Add a passkey; return it, and whether it is the first factor, to which the recovery codes
        were added.

        Raises BoundReached if its owner has `most` of them, AlreadyThere if somebody has this one.
        """
        try:
            async with self._pool.transaction() as connection:
                await hold_user(connection, new.user_id)
                count = await connection.fetchval(
                    "SELECT count(*) FROM passkeys WHERE user_id = $1", new.user_id
                )
                if count >= most:
                    raise BoundReached
                is_first = not await has_factor(connection, new.user_id)
                row = await connection.fetchrow(_INSERT, *msgspec.structs.astuple(new))
                if is_first:
                    await put_recovery_codes(connection, new.user_id, code_hashes, new.created_at)
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None
        if row is None:
            raise TypeError("an INSERT ... RETURNING gave no row")
        return _passkey(row), is_first

    async def rename(self, user_id: int, passkey_id: int, label: str) -> PasskeyRow | None:
        """Give a passkey another label; return it."""
        row = await self._pool.fetchrow(_RENAME, user_id, passkey_id, label)
        return None if row is None else _passkey(row)

    async def delete(
        self, ways: WaysIn, user_id: int, passkey_id: int, *, admins_need_one: bool
    ) -> bool:
        """Delete a passkey; say whether it was there. Raises LastWayIn or LastFactor."""
        async with ways.keeping_one(user_id) as connection:
            gone = await connection.fetchval(
                "DELETE FROM passkeys WHERE user_id = $1 AND id = $2 RETURNING id",
                user_id,
                passkey_id,
            )
            if gone is not None:
                await settle(connection, user_id, admins_need_one=admins_need_one)
        return gone is not None

    async def advance(self, passkey_id: int, sign_count: int, at: int) -> bool:
        """Note that a passkey was used; say whether its count went up, as it has to."""
        return affected(await self._pool.execute(_ADVANCE, passkey_id, sign_count, at)) > 0

    # -- challenges -----------------------------------------------------------------------------

    async def begin(
        self, challenge_hash: bytes, user_id: int | None, purpose: Purpose, lasts_us: int
    ) -> None:
        """Note a challenge; nobody's for a sign-in that doesn't say whose it is."""
        await self._pool.execute(_BEGIN, challenge_hash, user_id, purpose, lasts_us)
        if user_id is not None:
            await self._pool.execute(_BOUND, user_id, purpose, OF_ONE_MOST)
        else:
            # Nobody bounds strangers' challenges but their time: what is over goes at once.
            await self.prune(await self.now(), PRUNED_WITH_EACH)

    async def take(self, challenge_hash: bytes, user_id: int | None, purpose: Purpose) -> bool:
        """Use a challenge up; say whether it was there for this and its time isn't over."""
        return bool(await self._pool.fetchval(_TAKE, challenge_hash, purpose, user_id))

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` whose time ended before a time; return how many."""
        return affected(await self._pool.execute(_PRUNE, before, limit))


def _passkey(row: "Record") -> PasskeyRow:
    return PasskeyRow(*row)
