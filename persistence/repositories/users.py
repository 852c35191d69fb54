"""The users' table: who may sign in, with which role.

An e-mail comes in normalised (lower case) and goes out only to its owner and to admins. A display
name that was never chosen reads "Trader-<id>".
"""

from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import LastAdmin
from persistence.postgres.database import DeadlinePool

if TYPE_CHECKING:
    from asyncpg import Record

# Every text below is put together from this constant alone; values travel as parameters.
_COLUMNS: Final = (
    "id, email, coalesce(display_name, 'Trader-' || id) AS display_name, role, created_at"
)
_INSERT: Final = (
    "INSERT INTO users (email, display_name, role, password_hash, created_at)"  # noqa: S608
    f" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING RETURNING {_COLUMNS}"
)
_CREDENTIALS: Final = f"SELECT {_COLUMNS}, password_hash FROM users WHERE email = $1"  # noqa: S608
_BY_ID: Final = f"SELECT {_COLUMNS} FROM users WHERE id = $1"  # noqa: S608
_PAGE: Final = f"SELECT {_COLUMNS} FROM users WHERE id > $3 ORDER BY id LIMIT $1 OFFSET $2"  # noqa: S608
_SET_ROLE: Final = f"UPDATE users SET role = $2 WHERE id = $1 RETURNING {_COLUMNS}"  # noqa: S608


class User(msgspec.Struct, frozen=True):
    """A person who can sign in; `created_at` in microseconds since the epoch."""

    id: int
    email: str
    display_name: str
    role: str
    created_at: int


class Credentials(msgspec.Struct, frozen=True):
    """A user and the encoded hash of the password."""

    user: User
    password_hash: str


class Users:
    """Reads and writes users."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def insert(
        self, email: str, display_name: str | None, role: str, password_hash: str, at: int
    ) -> User | None:
        """Add a user and return it; None if the e-mail is taken."""
        row = await self._pool.fetchrow(_INSERT, email, display_name, role, password_hash, at)
        return None if row is None else _user(row)

    async def credentials(self, email: str) -> Credentials | None:
        """Return the user of an e-mail with the password's hash."""
        row = await self._pool.fetchrow(_CREDENTIALS, email)
        return None if row is None else Credentials(_user(row), row["password_hash"])

    async def by_id(self, user_id: int) -> User | None:
        """Return one user."""
        row = await self._pool.fetchrow(_BY_ID, user_id)
        return None if row is None else _user(row)

    async def page(self, limit: int, offset: int, after: int = 0) -> tuple[list[User], int]:
        """Return users above the id `after`, in that order, and how many there are in all."""
        rows = await self._pool.fetch(_PAGE, limit, offset, after)
        total = await self._pool.fetchval("SELECT count(*) FROM users")
        return [_user(row) for row in rows], total

    async def has_admin(self) -> bool:
        """Say whether anybody is an admin."""
        found = await self._pool.fetchval("SELECT EXISTS (SELECT FROM users WHERE role = 'ADMIN')")
        return bool(found)

    async def set_role(self, user_id: int, role: str) -> User | None:
        """Change a role and return the user, None if there is none; raises LastAdmin."""
        async with self._pool.transaction() as connection:
            # All admins are locked, so that two of them can't demote one another at the same time.
            admins = await connection.fetch(
                "SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR UPDATE"
            )
            if role != "ADMIN" and [row["id"] for row in admins] == [user_id]:
                raise LastAdmin
            row = await connection.fetchrow(_SET_ROLE, user_id, role)
        return None if row is None else _user(row)

    async def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """Replace the hash of a password."""
        await self._pool.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash
        )


def _user(row: "Record") -> User:
    return User(row["id"], row["email"], row["display_name"], row["role"], row["created_at"])
