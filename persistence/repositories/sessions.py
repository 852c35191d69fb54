"""Sessions and their refresh tokens: each token is used once, and a stolen one ends its session.

Only hashes of tokens are stored. A session is the family of the tokens that descend from one sign-
in. `rotate` decides in one transaction, with the token's row locked:

    unknown, expired, or of a revoked session      -> REFUSED
    used before, longer ago than the grace         -> REUSED: the whole session is revoked
    fresh, or used within the grace                -> ROTATED: a successor is stored

Times are the database's (`Sessions.now`): a token is issued by one process and used at another,
whose machine may be an hour ahead.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, affected

# The expression is that of an index.
_PRUNE_SESSIONS: Final = """
DELETE FROM sessions
 WHERE id IN (SELECT id FROM sessions
               WHERE least(expires_at, coalesce(revoked_at, expires_at)) <= $1
               LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_PRUNE_TOKENS: Final = """
DELETE FROM refresh_tokens
 WHERE token_hash IN (SELECT token_hash FROM refresh_tokens WHERE expires_at <= $1
                       LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class RotationOutcome(enum.Enum):
    """What came of a refresh."""

    ROTATED = "rotated"
    REFUSED = "refused"
    REUSED = "reused"


class Rotation(msgspec.Struct, frozen=True):
    """The outcome, and whose session it is where the token is known."""

    outcome: RotationOutcome
    user_id: int | None = None
    session_id: int | None = None


class Sessions:
    """Reads and writes sessions; times in microseconds since the epoch."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def now(self) -> int:
        """Return the time by which sessions begin and end."""
        return await database_now(self._pool)

    async def open(self, user_id: int, token_hash: bytes, at: int, expires_at: int) -> int:
        """Start a session with its first token and return its id; drop the user's ended ones."""
        async with self._pool.transaction() as connection:
            await connection.execute(
                "DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2", user_id, at
            )
            session_id: int = await connection.fetchval(
                "INSERT INTO sessions (user_id, created_at, expires_at) VALUES ($1, $2, $3)"
                " RETURNING id",
                user_id,
                at,
                expires_at,
            )
            await connection.execute(
                "INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4)",
                token_hash,
                session_id,
                at,
                expires_at,
            )
        return session_id

    async def rotate(
        self, old_hash: bytes, new_hash: bytes, at: int, expires_at: int, grace_us: int
    ) -> Rotation:
        """Use a refresh token up and store its successor; see the module's table."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT t.session_id, t.expires_at, t.rotated_at, s.user_id, s.revoked_at"
                " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id"
                " WHERE t.token_hash = $1 FOR UPDATE",
                old_hash,
            )
            if row is None:
                return Rotation(RotationOutcome.REFUSED)
            user_id, session_id = row["user_id"], row["session_id"]
            if row["revoked_at"] is not None or row["expires_at"] <= at:
                return Rotation(RotationOutcome.REFUSED, user_id, session_id)
            if row["rotated_at"] is not None and at - row["rotated_at"] > grace_us:
                await connection.execute(
                    "UPDATE sessions SET revoked_at = $2 WHERE id = $1", session_id, at
                )
                return Rotation(RotationOutcome.REUSED, user_id, session_id)
            await connection.execute(
                "UPDATE refresh_tokens SET rotated_at = coalesce(rotated_at, $2)"
                " WHERE token_hash = $1",
                old_hash,
                at,
            )
            await connection.execute(
                "INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4)",
                new_hash,
                session_id,
                at,
                expires_at,
            )
            await connection.execute(
                "UPDATE sessions SET expires_at = greatest(expires_at, $2) WHERE id = $1",
                session_id,
                expires_at,
            )
        return Rotation(RotationOutcome.ROTATED, user_id, session_id)

    async def revoke(self, session_id: int, at: int) -> None:
        """End a session; a second time changes nothing."""
        await self._pool.execute(
            "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
            session_id,
            at,
        )

    async def prune_sessions(self, before: int, limit: int) -> int:
        """Delete at most `limit` sessions, with their tokens, that were over before a time.

        Returns how many. Over is what was revoked or has expired: its tokens are refused with or
        without a row. A session that stands keeps every token that hasn't expired, the used ones
        too, by which theft is noticed.
        """
        return affected(await self._pool.execute(_PRUNE_SESSIONS, before, limit))

    async def prune_tokens(self, before: int, limit: int) -> int:
        """Delete at most `limit` tokens that expired before a time; return how many those were.

        A session that is refreshed for ever leaves one with each refresh.
        """
        return affected(await self._pool.execute(_PRUNE_TOKENS, before, limit))

    async def of_token(self, token_hash: bytes) -> tuple[int, int] | None:
        """Return (user id, session id) of a refresh token that is known."""
        row = await self._pool.fetchrow(
            "SELECT s.user_id, s.id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id"
            " WHERE t.token_hash = $1",
            token_hash,
        )
        return None if row is None else (row["user_id"], row["id"])

    async def roles_in(self, session_ids: Sequence[int]) -> dict[int, str]:
        """Return their users' roles now, by session, for those sessions that stand."""
        rows = await self._pool.fetch(
            "SELECT s.id, u.role FROM sessions s JOIN users u ON u.id = s.user_id"
            " WHERE s.id = ANY($1::bigint[]) AND s.revoked_at IS NULL",
            session_ids,
        )
        return {row["id"]: row["role"] for row in rows}

    async def role_in(self, session_id: int, user_id: int) -> str | None:
        """Return the user's role now if the session stands, else None."""
        role: str | None = await self._pool.fetchval(
            "SELECT u.role FROM sessions s JOIN users u ON u.id = s.user_id"
            " WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL",
            session_id,
            user_id,
        )
        return role
