"""Sessions and their refresh tokens: each token is used once, and a stolen one ends its session.

Only hashes of tokens are stored. A session is the family of the tokens that descend from one sign-
in. `rotate` decides in one transaction, with the token's row locked:

    unknown, expired, or of a revoked session      -> REFUSED
    used before, longer ago than the grace         -> REUSED: the whole session is revoked
    fresh, or used within the grace                -> ROTATED: a successor is stored

However often it is renewed, a session ends at its `ends_at`: no token of it lives longer. Times are
the database's (`Sessions.now`): a token is issued by one process and used at another, whose machine
may be an hour ahead.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from persistence.errors import FactorAdded, PasswordOvertaken, PersonLeft
from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.second_factor.factors import HAS_FACTOR

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
# Of one that stands, the newest stay.
_REVOKE_BEYOND: Final = """
UPDATE sessions SET revoked_at = $2
 WHERE id IN (SELECT id FROM sessions
               WHERE user_id = $1 AND revoked_at IS NULL ORDER BY seen_at DESC, id DESC OFFSET $3)
RETURNING id
"""
_STANDING: Final = "FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2"
_PAGE: Final = (
    "SELECT id, device, address, created_at, seen_at, least(expires_at, ends_at)"
    f" {_STANDING} AND id > $3 ORDER BY id LIMIT $4 OFFSET $5"
)


# Only of admins it may matter whether they have a second factor, so of others it isn't looked up.
_ROLE: Final = (
    "u.role, u.role <> 'ADMIN' OR "
    + HAS_FACTOR.format(user="u.id")
    + " AS has_factor FROM sessions s JOIN users u ON u.id = s.user_id"
)
_HAS_FACTOR: Final = f"SELECT {HAS_FACTOR.format(user='$1::bigint')}"
_ROLES_IN: Final = f"SELECT s.id, {_ROLE} WHERE s.id = ANY($1::bigint[]) AND s.revoked_at IS NULL"
_ROLE_IN: Final = f"SELECT {_ROLE} WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL"


class RoleNow(msgspec.Struct, frozen=True):
    """What a session's user may do now."""

    role: str
    has_factor: bool
    """Whether there is a second factor; True for whoever is no admin."""


class Client(msgspec.Struct, frozen=True):
    """What a session is used by; both are personal data, and go with the session."""

    address: str | None = None
    device: str | None = None


NO_CLIENT: Final = Client()


class Session(msgspec.Struct, frozen=True):
    """A session that stands, as its owner sees it; times in microseconds since the epoch."""

    id: int
    device: str | None
    address: str | None
    created_at: int
    seen_at: int
    """When it was opened or its tokens were renewed the last time."""
    expires_at: int


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
    ends_at: int = STORED_MAX
    """When the session ends for good."""


class Sessions:
    """Reads and writes sessions; times in microseconds since the epoch."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def now(self) -> int:
        """Return the time by which sessions begin and end."""
        return await database_now(self._pool)

    async def open(
        self,
        user_id: int,
        token_hash: bytes,
        at: int,
        expires_at: int,
        *,
        ends_at: int = STORED_MAX,
        client: Client = NO_CLIENT,
        password_hash: str | None = None,
        without_factor: bool = False,
    ) -> int:
        """Start a session with its first token and return its id; drop the user's ended ones.

        Raises PersonLeft if there is no such account, PasswordOvertaken if `password_hash` is given
        and no longer the account's, and FactorAdded if it is to be `without_factor` and there is
        one: whatever makes another one and ends the sessions of before comes first, or finds this
        one among them.
        """
        async with self._pool.transaction() as connection:
            # First of all: whoever ends the sessions of an account holds the two in this order.
            stored = await connection.fetchrow(
                "SELECT password_hash FROM users WHERE id = $1 FOR SHARE", user_id
            )
            if stored is None:
                raise PersonLeft
            if password_hash not in {None, stored["password_hash"]}:
                raise PasswordOvertaken
            # Behind the lock, by a statement of its own, which sees what was waited for there.
            if without_factor and await connection.fetchval(_HAS_FACTOR, user_id):
                raise FactorAdded
            await connection.execute(
                "DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2", user_id, at
            )
            session_id: int = await connection.fetchval(
                "INSERT INTO sessions (user_id, created_at, seen_at, proved_at, expires_at,"
                " ends_at, device, address) VALUES ($1, $2, $2, $2, $3, $4, $5, $6)"
                " RETURNING id",
                user_id,
                at,
                expires_at,
                ends_at,
                client.device,
                client.address,
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
        self,
        old_hash: bytes,
        new_hash: bytes,
        at: int,
        expires_at: int,
        grace_us: int,
        client: Client = NO_CLIENT,
    ) -> Rotation:
        """Use a refresh token up and store its successor; see the module's table."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT t.session_id, t.expires_at, t.rotated_at, s.user_id, s.revoked_at,"
                " s.ends_at FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id"
                " WHERE t.token_hash = $1 FOR UPDATE",
                old_hash,
            )
            if row is None:
                return Rotation(RotationOutcome.REFUSED)
            user_id, session_id = row["user_id"], row["session_id"]
            ends_at = row["ends_at"]
            if row["revoked_at"] is not None or min(row["expires_at"], ends_at) <= at:
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
                min(expires_at, ends_at),
            )
            await connection.execute(
                "UPDATE sessions SET expires_at = greatest(expires_at, $2), seen_at = $3,"
                " device = $4, address = $5 WHERE id = $1",
                session_id,
                min(expires_at, ends_at),
                at,
                client.device,
                client.address,
            )
        return Rotation(RotationOutcome.ROTATED, user_id, session_id, ends_at)

    async def page(
        self, user_id: int, at: int, limit: int, offset: int, after: int = 0
    ) -> tuple[list[Session], int]:
        """Return sessions of a user that stand, by id above `after`, and how many there are."""
        rows = await self._pool.fetch(_PAGE, user_id, at, after, limit, offset)
        total = await self._pool.fetchval(f"SELECT count(*) {_STANDING}", user_id, at)
        return [Session(*row) for row in rows], total

    async def revoke_own(self, user_id: int, session_id: int, at: int) -> bool:
        """End a session if it stands and is that user's; say whether it did."""
        status = await self._pool.execute(
            "UPDATE sessions SET revoked_at = $3"
            " WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL AND expires_at > $3",
            user_id,
            session_id,
            at,
        )
        return affected(status) > 0

    async def revoke_all(self, user_id: int, at: int, but: int = 0) -> list[int]:
        """End all sessions of a user `but` one, and return their ids."""
        return await revoke_all(self._pool, user_id, at, but)

    async def revoke_beyond(self, user_id: int, at: int, most: int) -> list[int]:
        """End those that were used longest ago, so that at most so many stand; return their ids."""
        rows = await self._pool.fetch(_REVOKE_BEYOND, user_id, at, most)
        return [row["id"] for row in rows]

    async def proved_at(self, session_id: int) -> int | None:
        """Return when the owner last proved in this session who they are."""
        found: int | None = await self._pool.fetchval(
            "SELECT proved_at FROM sessions WHERE id = $1 AND revoked_at IS NULL", session_id
        )
        return found

    async def prove(self, session_id: int, at: int) -> None:
        """Note that the owner has just proved in this session who they are."""
        await self._pool.execute("UPDATE sessions SET proved_at = $2 WHERE id = $1", session_id, at)

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

    async def roles_in(self, session_ids: Sequence[int]) -> dict[int, RoleNow]:
        """Return their users' roles now, by session, for those sessions that stand."""
        rows = await self._pool.fetch(_ROLES_IN, session_ids)
        return {row["id"]: RoleNow(row["role"], row["has_factor"]) for row in rows}

    async def role_in(self, session_id: int, user_id: int) -> RoleNow | None:
        """Return the user's role now if the session stands, else None."""
        row = await self._pool.fetchrow(_ROLE_IN, session_id, user_id)
        return None if row is None else RoleNow(row["role"], row["has_factor"])


async def revoke_all(source: Fetching, user_id: int, at: int, but: int = 0) -> list[int]:
    """End all sessions of a user `but` one, in the transaction of `source`; return their ids.

    Sign-ins that wait for a second factor are over, too: what they proved may be another one now.
    """
    await source.fetch("DELETE FROM sign_in_challenges WHERE user_id = $1", user_id)
    rows = await source.fetch(
        "UPDATE sessions SET revoked_at = $2"
        " WHERE user_id = $1 AND id <> $3 AND revoked_at IS NULL RETURNING id",
        user_id,
        at,
        but,
    )
    return [row["id"] for row in rows]
