"""Which second factors an account has: codes of an authenticator app, recovery codes, passkeys.

Laws: an account has a second factor if it has a confirmed secret for codes or a passkey; recovery
codes stand in for one, are there as long as there is one, and go with the last. Whatever adds or
takes away holds the user's row, so that two at the same moment agree on what was the first or the
last. A code's time step and a recovery code are used up by one statement each: of the same code at
the same moment one is taken. Times are the database's, in microseconds since the epoch.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from persistence.errors import LastFactor
from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.people.ways_in import WaysIn

HAS_FACTOR: Final = (
    "(EXISTS (SELECT FROM totp_factors f WHERE f.user_id = {user} AND f.secret IS NOT NULL)"
    " OR EXISTS (SELECT FROM passkeys p WHERE p.user_id = {user}))"
)
"""In SQL, `{user}` being a user's id."""
_HAS: Final = f"SELECT {HAS_FACTOR.format(user='$1::bigint')}"
_STATE: Final = """
SELECT (SELECT confirmed_at FROM totp_factors WHERE user_id = $1),
       (SELECT count(*) FROM passkeys WHERE user_id = $1),
       (SELECT count(*) FROM recovery_codes WHERE user_id = $1)
"""
_BEGIN: Final = """
INSERT INTO totp_factors (user_id, pending, pending_at) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE
   SET pending = excluded.pending, pending_at = excluded.pending_at
"""
_CONFIRM: Final = """
UPDATE totp_factors SET secret = pending, pending = NULL, pending_at = NULL, confirmed_at = $3,
                        last_step = $4
 WHERE user_id = $1 AND pending = $2
RETURNING user_id
"""
_SECRETS: Final = """
SELECT user_id, sealed
  FROM totp_factors, unnest(ARRAY[secret, pending]) AS sealed
 WHERE sealed IS NOT NULL AND user_id IN (
    SELECT user_id FROM totp_factors WHERE user_id > $1 ORDER BY user_id LIMIT $2)
 ORDER BY user_id
"""
_RESEAL: Final = """
UPDATE totp_factors SET secret = CASE WHEN secret = $2 THEN $3 ELSE secret END,
                        pending = CASE WHEN pending = $2 THEN $3 ELSE pending END
 WHERE user_id = $1 AND ($2 IN (secret, pending))
"""


class FactorState(msgspec.Struct, frozen=True):
    """What an account has; a time in microseconds since the epoch."""

    totp_since: int | None
    """Since when it has codes of an app; None: it has none."""
    passkeys: int
    recovery_codes: int
    """So many are left."""

    @property
    def has_factor(self) -> bool:
        """Say whether there is a second factor at all."""
        return self.totp_since is not None or self.passkeys > 0


class FactorRows:
    """Reads and writes codes."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def now(self) -> int:
        """Return the time by which codes hold."""
        return await database_now(self._pool)

    async def has(self, user_id: int) -> bool:
        """Say whether somebody has a second factor."""
        return bool(await self._pool.fetchval(_HAS, user_id))

    async def state(self, user_id: int) -> FactorState:
        """Return what somebody has."""
        row = await self._pool.fetchrow(_STATE, user_id)
        return FactorState(None, 0, 0) if row is None else FactorState(*row)

    # -- codes of an app ------------------------------------------------------------------------

    async def begin(self, user_id: int, sealed: bytes, at: int) -> None:
        """Note a secret that was shown, in the place of one shown before."""
        await self._pool.execute(_BEGIN, user_id, sealed, at)

    async def pending(self, user_id: int, since: int) -> bytes | None:
        """Return the sealed secret that was shown after a time and waits for its first code."""
        found: bytes | None = await self._pool.fetchval(
            "SELECT pending FROM totp_factors WHERE user_id = $1 AND pending_at > $2",
            user_id,
            since,
        )
        return found

    async def confirm(
        self, user_id: int, sealed: bytes, step: int, at: int, code_hashes: Sequence[bytes]
    ) -> bool | None:
        """Let a secret that was shown count, its code of `step` being used up.

        Returns whether it is the first factor, to which the recovery codes were added; None if
        that secret doesn't wait any more.
        """
        async with self._pool.transaction() as connection:
            await hold_user(connection, user_id)
            is_first = not await connection.fetchval(_HAS, user_id)
            if await connection.fetchval(_CONFIRM, user_id, sealed, at, step) is None:
                return None
            if is_first:
                await put_recovery_codes(connection, user_id, code_hashes, at)
        return is_first

    async def secret(self, user_id: int) -> bytes | None:
        """Return the sealed secret that counts."""
        found: bytes | None = await self._pool.fetchval(
            "SELECT secret FROM totp_factors WHERE user_id = $1", user_id
        )
        return found

    async def take_step(self, user_id: int, step: int) -> bool:
        """Use a code's time step up; say whether neither it nor a later one was before."""
        status = await self._pool.execute(
            "UPDATE totp_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2"
            " AND secret IS NOT NULL",
            user_id,
            step,
        )
        return affected(status) > 0

    async def remove(self, user_id: int, *, admins_need_one: bool) -> bool:
        """Take the codes of an app away; say whether there were any. Raises LastFactor."""
        async with self._pool.transaction() as connection:
            await hold_user(connection, user_id)
            gone = await connection.fetchval(
                "DELETE FROM totp_factors WHERE user_id = $1 AND secret IS NOT NULL"
                " RETURNING user_id",
                user_id,
            )
            if gone is not None:
                await settle(connection, user_id, admins_need_one=admins_need_one)
        return gone is not None

    async def remove_all(self, ways: WaysIn, user_id: int) -> None:
        """Take every factor away: an operator's word that the owner has lost them.

        Raises LastWayIn if nobody could sign in without a passkey.
        """
        async with ways.keeping_one(user_id) as connection:
            for table in ("totp_factors", "passkeys", "recovery_codes"):
                await connection.execute(f"DELETE FROM {table} WHERE user_id = $1", user_id)  # noqa: S608 - names of ours

    # -- recovery codes -------------------------------------------------------------------------

    async def replace_recovery_codes(
        self, user_id: int, code_hashes: Sequence[bytes], at: int
    ) -> bool:
        """Put others in their place; say whether there is a factor that they stand in for."""
        async with self._pool.transaction() as connection:
            await hold_user(connection, user_id)
            if not await connection.fetchval(_HAS, user_id):
                return False
            await put_recovery_codes(connection, user_id, code_hashes, at)
        return True

    async def take_recovery_code(self, user_id: int, code_hash: bytes) -> bool:
        """Use one up; say whether it was there."""
        status = await self._pool.execute(
            "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", user_id, code_hash
        )
        return affected(status) > 0

    # -- sealing anew ---------------------------------------------------------------------------

    async def secrets(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return (user id, sealed secret) of at most `limit` users above an id, in that order."""
        rows = await self._pool.fetch(_SECRETS, after, limit)
        return [(row["user_id"], row["sealed"]) for row in rows]

    async def reseal(self, user_id: int, before: bytes, after: bytes) -> None:
        """Put a secret that was sealed anew in the place of what it was before."""
        await self._pool.execute(_RESEAL, user_id, before, after)


async def hold_user(source: Fetching, user_id: int) -> None:
    """Lock the user's row until the transaction of `source` ends."""
    await source.fetch("SELECT FROM users WHERE id = $1 FOR UPDATE", user_id)


async def has_factor(source: Fetching, user_id: int) -> bool:
    """Say whether somebody has a second factor, as the transaction of `source` sees it."""
    return bool(await source.fetchval(_HAS, user_id))


async def put_recovery_codes(
    source: Fetching, user_id: int, code_hashes: Sequence[bytes], at: int
) -> None:
    """Put recovery codes in the place of those of before; the user's row is held."""
    await source.fetch("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await source.fetch(
        "INSERT INTO recovery_codes (user_id, code_hash, made_at)"
        " SELECT $1, code_hash, $3 FROM unnest($2::bytea[]) AS code_hash",
        user_id,
        list(code_hashes),
        at,
    )


async def settle(source: Fetching, user_id: int, *, admins_need_one: bool) -> None:
    """Do what follows when a factor was taken away; the user's row is held.

    Recovery codes go with the last one. Raises LastFactor, in a transaction that is undone by it,
    where an admin has to keep one.
    """
    if await has_factor(source, user_id):
        return
    role = await source.fetchval("SELECT role FROM users WHERE id = $1", user_id)
    if admins_need_one and role == "ADMIN":
        raise LastFactor
    await source.fetch("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
