"""What was mailed to people and comes back: single-use tokens, and changes of an e-mail address.

Laws: only hashes of tokens are stored. A token is taken out in the transaction that does what it is
for, so it does it once. It is about one address: when the account has another one it is worth
nothing. Whoever has a password reset has shown that the account's mail comes through, and ends
every session and every change of the address that waits: who begins one may be who is locked out.
Whoever takes a token, or all of them away, holds the user's row first, so that no two wait for one
another. Times are the database's, in microseconds since the epoch.
"""

import enum
from typing import Final

import asyncpg
import msgspec

from persistence.errors import AlreadyThere
from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.people.sessions import revoke_all
from persistence.repositories.second_factor.factors import hold_user

_HOLD: Final = """
SELECT FROM users WHERE id = (SELECT user_id FROM mail_tokens WHERE token_hash = $1) FOR UPDATE
"""
_TAKE: Final = """
DELETE FROM mail_tokens WHERE token_hash = $1 AND purpose = ANY($2::text[]) AND expires_at > $3
RETURNING user_id, purpose, email
"""
_PRUNE: Final = """
DELETE FROM mail_tokens
 WHERE token_hash IN (SELECT token_hash FROM mail_tokens WHERE expires_at <= $1
                       LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_PRUNE_CHANGES: Final = """
DELETE FROM email_changes
 WHERE user_id IN (SELECT user_id FROM email_changes WHERE expires_at <= $1
                    LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_BEGIN: Final = """
INSERT INTO email_changes (user_id, email, asks_old, expires_at)
SELECT id, $2, email IS NOT NULL AND email_verified_at IS NOT NULL, $3 FROM users WHERE id = $1
    ON CONFLICT (user_id) DO UPDATE
   SET email = excluded.email, asks_old = excluded.asks_old, old_at = NULL, new_at = NULL,
       expires_at = excluded.expires_at
RETURNING asks_old
"""
_CONFIRM_PART: Final = """
UPDATE email_changes SET old_at = CASE WHEN $4 THEN $3 ELSE old_at END,
                         new_at = CASE WHEN $4 THEN new_at ELSE $3 END
 WHERE user_id = $1 AND email = $2 AND expires_at > $3
RETURNING (old_at IS NOT NULL OR NOT asks_old) AND new_at IS NOT NULL AS is_whole
"""


class Purpose(enum.StrEnum):
    """What a token is for."""

    VERIFY = "verify"
    RESET = "reset"
    CHANGE_OLD = "change-old"
    CHANGE_NEW = "change-new"


ADDRESSES: Final = (Purpose.VERIFY, Purpose.CHANGE_OLD, Purpose.CHANGE_NEW)
"""Those that say that mail comes through."""


class Confirmed(enum.Enum):
    """What a confirmation came to."""

    VERIFIED = "verified"
    WAITING = "waiting"
    """For the other address."""
    CHANGED = "changed"


class Confirmation(msgspec.Struct, frozen=True):
    """Whose, what it came to, and the address of before where it was changed."""

    user_id: int
    outcome: Confirmed
    old_email: str | None = None


class MailTokens:
    """Reads and writes what was mailed."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def now(self) -> int:
        """Return the time by which tokens end."""
        return await database_now(self._pool)

    async def issue(
        self, token_hash: bytes, user_id: int, purpose: Purpose, email: str, expires_at: int
    ) -> bool:
        """Store a token; say whether there is somebody whose it is."""
        status = await self._pool.execute(
            "INSERT INTO mail_tokens (token_hash, user_id, purpose, email, expires_at)"
            " SELECT $1, id, $3, $4, $5 FROM users WHERE id = $2",
            token_hash,
            user_id,
            purpose,
            email,
            expires_at,
        )
        return affected(status) > 0

    async def holder(self, token_hash: bytes, purpose: Purpose, at: int) -> int | None:
        """Return whose a token is that would be taken now, without taking it; None for no such."""
        user_id: int | None = await self._pool.fetchval(
            "SELECT u.id FROM mail_tokens t JOIN users u ON u.id = t.user_id"
            " WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND t.email = u.email",
            token_hash,
            purpose,
            at,
        )
        return user_id

    async def reset(
        self, token_hash: bytes, password_hash: str, at: int
    ) -> tuple[int, list[int]] | None:
        """Set another password; return whose, and the ids of the sessions that ended.

        None if the token doesn't hold.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_HOLD, token_hash)
            taken = await connection.fetchrow(_TAKE, token_hash, [Purpose.RESET], at)
            if taken is None:
                return None
            user_id = taken["user_id"]
            changed = await connection.fetchval(
                "UPDATE users SET password_hash = $3, email_verified_at ="
                " coalesce(email_verified_at, $4) WHERE id = $1 AND email = $2 RETURNING id",
                user_id,
                taken["email"],
                password_hash,
                at,
            )
            if changed is None:
                return None
            await forget_addresses(connection, user_id)
            return user_id, await revoke_all(connection, user_id, at)

    # -- addresses ----------------------------------------------------------------------------

    async def begin_change(self, user_id: int, email: str, expires_at: int) -> bool:
        """Note the address that somebody wants, in the place of one wanted before; say whether the
        account's address has to confirm it, too: one that was confirmed itself does.
        """
        async with self._pool.transaction() as connection:
            # As it stands now: a reset may have confirmed it since the caller was let in.
            await hold_user(connection, user_id)
            await _forget(connection, user_id, (Purpose.CHANGE_OLD, Purpose.CHANGE_NEW))
            return bool(await connection.fetchval(_BEGIN, user_id, email, expires_at))

    async def pending(self, user_id: int) -> str | None:
        """Return the address that somebody wants and hasn't confirmed yet."""
        found: str | None = await self._pool.fetchval(
            "SELECT email FROM email_changes WHERE user_id = $1 AND expires_at > $2",
            user_id,
            await self.now(),
        )
        return found

    async def confirm(self, token_hash: bytes, at: int) -> Confirmation | None:
        """Do what a token of an address is for; None if it doesn't hold.

        Raises AlreadyThere, and nothing was changed, if somebody else has the address by now.
        """
        try:
            async with self._pool.transaction() as connection:
                await connection.execute(_HOLD, token_hash)
                taken = await connection.fetchrow(_TAKE, token_hash, list(ADDRESSES), at)
                if taken is None:
                    return None
                user_id, email = taken["user_id"], taken["email"]
                if taken["purpose"] == Purpose.VERIFY:
                    verified = await connection.fetchval(
                        "UPDATE users SET email_verified_at = $3 WHERE id = $1 AND email = $2"
                        " RETURNING id",
                        user_id,
                        email,
                        at,
                    )
                    return None if verified is None else Confirmation(user_id, Confirmed.VERIFIED)
                is_old = taken["purpose"] == Purpose.CHANGE_OLD
                is_whole = await connection.fetchval(_CONFIRM_PART, user_id, email, at, is_old)
                if not is_whole:
                    waits = Confirmation(user_id, Confirmed.WAITING)
                    return None if is_whole is None else waits
                old = await connection.fetchval("SELECT email FROM users WHERE id = $1", user_id)
                await connection.execute(
                    "UPDATE users SET email = $2, email_verified_at = $3 WHERE id = $1",
                    user_id,
                    email,
                    at,
                )
                await forget_addresses(connection, user_id)
                return Confirmation(user_id, Confirmed.CHANGED, old)
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` tokens, and changes, that ended before a time; return how many."""
        tokens = affected(await self._pool.execute(_PRUNE, before, limit))
        await self._pool.execute(_PRUNE_CHANGES, before, limit)
        return tokens


async def forget_addresses(source: Fetching, user_id: int) -> None:
    """Let nothing that was mailed to somebody hold any more: the account's address is another, or
    has just been confirmed and all else that was asked for is in doubt.
    """
    await _forget(source, user_id, tuple(Purpose))
    await source.fetch("DELETE FROM email_changes WHERE user_id = $1", user_id)


async def _forget(source: Fetching, user_id: int, purposes: tuple[Purpose, ...]) -> None:
    await source.fetch(
        "DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = ANY($2::text[])",
        user_id,
        list(purposes),
    )
