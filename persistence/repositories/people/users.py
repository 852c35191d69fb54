"""The users' table: who may sign in, with which role.

An e-mail comes in normalised (lower case) and goes out only to its owner and to admins; there may
be none. A display name that was never chosen reads "Trader-<id>". A username is unique whatever
its case, and stored as it was chosen.
"""

from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from persistence.errors import AlreadyThere, LastAdmin
from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.people.sessions import revoke_all

if TYPE_CHECKING:
    from asyncpg import Record

# Every text below is put together from this constant alone; values travel as parameters.
_COLUMNS: Final = (
    "id, email, coalesce(display_name, 'Trader-' || id) AS display_name, role, created_at,"
    " username, avatar_url, email_verified_at"
)
_INSERT: Final = (
    "INSERT INTO users (email, display_name, role, password_hash, created_at)"  # noqa: S608 - names of ours
    f" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING RETURNING {_COLUMNS}"
)
_INSERT_NAMELESS: Final = (
    f"INSERT INTO users (role, created_at) VALUES ($1, {NOW}) RETURNING {_COLUMNS}"  # noqa: S608 - names of ours
)
_CREDENTIALS: Final = f"SELECT {_COLUMNS}, password_hash FROM users WHERE email = $1"  # noqa: S608 - names of ours
_BY_ID: Final = f"SELECT {_COLUMNS} FROM users WHERE id = $1"  # noqa: S608 - names of ours
_BY_USERNAME: Final = f"SELECT {_COLUMNS} FROM users WHERE lower(username) = lower($1)"  # noqa: S608 - names of ours
_UPDATE: Final = (
    "UPDATE users SET display_name = CASE WHEN $2 THEN $3 ELSE display_name END,"  # noqa: S608 - names of ours
    " username = CASE WHEN $4 THEN $5 ELSE username END,"
    " avatar_url = CASE WHEN $6 THEN $7 ELSE avatar_url END"
    f" WHERE id = $1 RETURNING {_COLUMNS}"
)
_PAGE: Final = f"SELECT {_COLUMNS} FROM users WHERE id > $3 ORDER BY id LIMIT $1 OFFSET $2"  # noqa: S608 - names of ours
# A word is looked for in what people are known by, and at the place $1 as a number.
_SEARCHED: Final = """
  FROM users LEFT JOIN (SELECT id AS account_id, standing FROM accounts) a ON account_id = id
 WHERE ($1::text IS NULL OR id::text = $1 OR strpos(lower(email), lower($1)) > 0
        OR strpos(lower(username), lower($1)) > 0 OR strpos(lower(display_name), lower($1)) > 0)
   AND ($2::text IS NULL OR role = $2)
   AND ($3::smallint IS NULL OR coalesce(standing, 1) = $3)
"""
_SEARCH: Final = (
    f"SELECT {_COLUMNS}, coalesce(standing, 1) AS standing {_SEARCHED}"
    " AND id > $4 ORDER BY id LIMIT $5 OFFSET $6"
)
# From a session that still stands, in the place of the password that was asked for.
_CHANGE: Final = """
UPDATE users SET password_hash = $3
 WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2
   AND EXISTS (SELECT FROM sessions WHERE id = $4 AND user_id = $1 AND revoked_at IS NULL)
RETURNING id
"""
_SET_ROLE: Final = f"UPDATE users SET role = $2 WHERE id = $1 RETURNING {_COLUMNS}"  # noqa: S608 - names of ours


_LAPSE: Final = (
    "UPDATE proposals SET status = 'LAPSED' WHERE proposer_id = $1 AND status = 'OPEN'"
    " AND expires_at > (extract(epoch FROM now()) * 1000000)::bigint"
)


class User(msgspec.Struct, frozen=True):
    """A person who can sign in; times in microseconds since the epoch."""

    id: int
    email: str | None
    display_name: str
    role: str
    created_at: int
    username: str | None
    avatar_url: str | None
    email_verified_at: int | None
    """When its owner proved that mail to `email` comes through; None: never."""


class Credentials(msgspec.Struct, frozen=True):
    """A user and the encoded hash of the password, None where there is none."""

    user: User
    password_hash: str | None


Change = str | None | msgspec.UnsetType
"""What a field becomes; None takes it away, UNSET leaves it."""


class ProfileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes of what is said of them."""

    display_name: Change = msgspec.UNSET
    username: Change = msgspec.UNSET
    avatar_url: Change = msgspec.UNSET


class Users:
    """Reads and writes users."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def insert(
        self,
        email: str | None,
        display_name: str | None,
        role: str,
        password_hash: str | None,
        at: int,
    ) -> User | None:
        """Add a user and return it; None if the e-mail is taken."""
        row = await self._pool.fetchrow(_INSERT, email, display_name, role, password_hash, at)
        return None if row is None else _user(row)

    @staticmethod
    async def insert_nameless(source: Fetching, role: str) -> User:
        """Add a user without e-mail and password, in the transaction of `source`.

        Whoever does so adds a way in within the same transaction.
        """
        return _user(await source.fetchrow(_INSERT_NAMELESS, role))

    async def credentials(self, email: str) -> Credentials | None:
        """Return the user of an e-mail with the password's hash."""
        row = await self._pool.fetchrow(_CREDENTIALS, email)
        return None if row is None else Credentials(_user(row), row["password_hash"])

    async def by_id(self, user_id: int) -> User | None:
        """Return one user."""
        row = await self._pool.fetchrow(_BY_ID, user_id)
        return None if row is None else _user(row)

    async def by_username(self, username: str) -> User | None:
        """Return the user of a username, whatever its case."""
        row = await self._pool.fetchrow(_BY_USERNAME, username)
        return None if row is None else _user(row)

    async def update(self, user_id: int, changes: ProfileChanges) -> User | None:
        """Change what is said of a user and return it, None if there is none.

        Raises AlreadyThere if somebody else has the username.
        """
        values: list[object] = []
        for change in msgspec.structs.astuple(changes):
            is_set = change is not msgspec.UNSET
            values += [is_set, change if is_set else None]
        try:
            row = await self._pool.fetchrow(_UPDATE, user_id, *values)
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None
        return None if row is None else _user(row)

    async def preferences(self, user_id: int) -> str | None:
        """Return a user's preferences as JSON; None if nothing was ever chosen."""
        found: str | None = await self._pool.fetchval(
            "SELECT preferences FROM users WHERE id = $1", user_id
        )
        return found

    async def set_preferences(self, user_id: int, preferences: str) -> None:
        """Replace a user's preferences by this JSON."""
        await self._pool.execute(
            "UPDATE users SET preferences = $2::jsonb WHERE id = $1", user_id, preferences
        )

    async def page(self, limit: int, offset: int, after: int = 0) -> tuple[list[User], int]:
        """Return users above the id `after`, in that order, and how many there are in all."""
        rows = await self._pool.fetch(_PAGE, limit, offset, after)
        total = await self._pool.fetchval("SELECT count(*) FROM users")
        return [_user(row) for row in rows], total

    async def search(
        self,
        word: str | None,
        role: str | None,
        standing: int | None,
        limit: int,
        offset: int,
        after: int = 0,
    ) -> tuple[list[tuple[User, int]], int]:
        """Return users above the id `after`, in that order, each with the stored code of the
        account's standing, and how many there are in all.

        None matches all; `word` is an id or a part of an address, username or display name,
        `standing` is the code of an account's, which is active before it is opened.
        """
        asked = word, role, standing
        rows = await self._pool.fetch(_SEARCH, *asked, after, limit, offset)
        total = await self._pool.fetchval(f"SELECT count(*) {_SEARCHED}", *asked)
        return [(_user(row), row["standing"]) for row in rows], total

    async def has_admin(self) -> bool:
        """Say whether anybody is an admin."""
        found = await self._pool.fetchval("SELECT EXISTS (SELECT FROM users WHERE role = 'ADMIN')")
        return bool(found)

    async def is_last_admin(self, user_id: int) -> bool:
        """Say whether nobody else could administer."""
        rows = await self._pool.fetch("SELECT id FROM users WHERE role = 'ADMIN' LIMIT 2")
        return [row["id"] for row in rows] == [user_id]

    async def set_role(
        self,
        user_id: int,
        role: str,
        *,
        least: int = 1,
        done: tuple[str, int, str, str] | None = None,
    ) -> User | None:
        """Change a role and return the user, None if there is none.

        Raises LastAdmin if fewer than `least` admins were left. `done` is a statement with its
        arguments that is carried out together with the change, or not at all.
        """
        async with self._pool.transaction() as connection:
            # All admins are locked, so that two of them can't demote one another at the same time.
            admins = await connection.fetch(
                "SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR UPDATE"
            )
            ids = [row["id"] for row in admins]
            if role != "ADMIN" and user_id in ids and len(ids) <= least:
                raise LastAdmin
            row = await connection.fetchrow(_SET_ROLE, user_id, role)
            if row is not None and role != "ADMIN":
                await connection.execute(_LAPSE, user_id)
            if row is not None and done is not None:
                await connection.execute(*done)
        return None if row is None else _user(row)

    async def password_hash(self, user_id: int) -> str | None:
        """Return the hash of a user's password; None where there is none."""
        found: str | None = await self._pool.fetchval(
            "SELECT password_hash FROM users WHERE id = $1", user_id
        )
        return found

    async def replace_password(self, user_id: int, password_hash: str, at: int) -> list[int]:
        """Set another password, whoever has which, and end all sessions; return their ids."""
        async with self._pool.transaction() as connection:
            await connection.execute(
                "UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash
            )
            return await revoke_all(connection, user_id, at)

    async def change_password(
        self, user_id: int, before: str | None, password_hash: str, at: int, session_id: int
    ) -> list[int] | None:
        """Set another password from a session and end all others; return the ids of those.

        None, and nothing is changed, if that session has ended or `before` is no longer the hash of
        the account's password: who was let in by what held then has nothing to change now.
        """
        async with self._pool.transaction() as connection:
            terms = user_id, before, password_hash, session_id
            if await connection.fetchval(_CHANGE, *terms) is None:
                return None
            return await revoke_all(connection, user_id, at, session_id)

    async def rehash(self, user_id: int, before: str, password_hash: str) -> bool:
        """Put another hash of the same password in the place of `before`; say whether it was there.

        It isn't if the account has got another password meanwhile, which stays.
        """
        status = await self._pool.execute(
            "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
            *(user_id, before, password_hash),
        )
        return affected(status) > 0


def _user(row: "Record") -> User:
    return User(*(row[name] for name in User.__struct_fields__))
