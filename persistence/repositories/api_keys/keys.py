"""The table of API keys.

Laws: whatever an owner asks for is asked for with the owner, so somebody else's key is as absent as
one that never was. The bound on an owner's keys holds exactly, also for requests that race. A key
that is revoked is deleted: the audit log says that there was one. An auditor's keys are kept, but
none is found by its name or stands: a key has the role USER, which changes things. Times are
microseconds since the epoch.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import BoundReached
from persistence.postgres.database import DeadlinePool
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

_COLUMNS: Final = (
    "id, user_id, name, label, algorithm, material, may_trade, allow_list, created_at, expires_at,"
    " last_used_at"
)
_INSERT: Final = (
    "INSERT INTO api_keys (user_id, name, label, algorithm, material, may_trade, allow_list,"  # noqa: S608 - a constant
    f" created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_COLUMNS}"
)
_OF_USER: Final = f"SELECT {_COLUMNS} FROM api_keys WHERE user_id = $1 ORDER BY id"  # noqa: S608 - a constant
_NO_AUDITOR: Final = "user_id NOT IN (SELECT id FROM users WHERE role = 'AUDITOR')"
_BY_NAME: Final = f"SELECT {_COLUMNS} FROM api_keys WHERE name = $1 AND {_NO_AUDITOR}"  # noqa: S608 - constants
_CHANGE: Final = (
    "UPDATE api_keys SET label = coalesce($3, label), allow_list = coalesce($4, allow_list)"  # noqa: S608 - a constant
    f" WHERE user_id = $1 AND id = $2 RETURNING {_COLUMNS}"
)
_DELETE: Final = f"DELETE FROM api_keys WHERE user_id = $1 AND id = $2 RETURNING {_COLUMNS}"  # noqa: S608 - a constant
_USED: Final = """
UPDATE api_keys k SET last_used_at = used.at
  FROM unnest($1::bigint[], $2::bigint[]) AS used (id, at)
 WHERE k.id = used.id AND (k.last_used_at IS NULL OR k.last_used_at < used.at)
"""


class NewApiKey(msgspec.Struct, frozen=True):
    """What a key begins with."""

    user_id: int
    name: str
    label: str
    algorithm: str
    material: bytes
    may_trade: bool
    allow_list: list[str]
    created_at: int
    expires_at: int | None


class ApiKeyRow(msgspec.Struct, frozen=True):
    """A key; `material` is its public key, or its secret as it was sealed."""

    id: int
    user_id: int
    name: str
    label: str
    algorithm: str
    material: bytes
    may_trade: bool
    allow_list: list[str]
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class ApiKeyRows:
    """Reads and writes keys."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def create(self, new: NewApiKey, most: int) -> ApiKeyRow:
        """Add a key; raises BoundReached if its owner has `most` of them already."""
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, new.user_id)
            count = await connection.fetchval(
                "SELECT count(*) FROM api_keys WHERE user_id = $1", new.user_id
            )
            if count >= most:
                raise BoundReached
            row = await connection.fetchrow(_INSERT, *msgspec.structs.astuple(new))
        if row is None:
            raise TypeError("an INSERT ... RETURNING gave no row")
        return _key(row)

    async def of_user(self, user_id: int) -> list[ApiKeyRow]:
        """Return somebody's keys, oldest first; there are few."""
        return [_key(row) for row in await self._pool.fetch(_OF_USER, user_id)]

    async def by_name(self, name: str) -> ApiKeyRow | None:
        """Return the key of a name."""
        row = await self._pool.fetchrow(_BY_NAME, name)
        return None if row is None else _key(row)

    async def change(
        self, user_id: int, key_id: int, label: str | None, allow_list: Sequence[str] | None
    ) -> ApiKeyRow | None:
        """Give a key another label and allow-list, None for the one it has; return it."""
        row = await self._pool.fetchrow(_CHANGE, user_id, key_id, label, allow_list)
        return None if row is None else _key(row)

    async def delete(self, user_id: int, key_id: int) -> ApiKeyRow | None:
        """Delete a key and return what it was."""
        row = await self._pool.fetchrow(_DELETE, user_id, key_id)
        return None if row is None else _key(row)

    async def standing(self, key_ids: Sequence[int]) -> dict[int, list[str]]:
        """Return the allow-lists of those of these keys that are there, by id."""
        rows = await self._pool.fetch(
            f"SELECT id, allow_list FROM api_keys WHERE id = ANY($1::bigint[]) AND {_NO_AUDITOR}",  # noqa: S608 - constants
            key_ids,
        )
        return {row["id"]: row["allow_list"] for row in rows}

    async def note_used(self, used_at: dict[int, int]) -> None:
        """Note when keys were last used, by id; an earlier time changes nothing."""
        await self._pool.execute(_USED, list(used_at), list(used_at.values()))

    async def secrets(self, after: int, limit: int) -> list[tuple[int, str, bytes]]:
        """Return (id, name, sealed secret) of HMAC keys above an id, in that order."""
        rows = await self._pool.fetch(
            "SELECT id, name, material FROM api_keys WHERE algorithm = 'hmac-sha256' AND id > $1"
            " ORDER BY id LIMIT $2",
            after,
            limit,
        )
        return [(row["id"], row["name"], row["material"]) for row in rows]

    async def reseal(self, key_id: int, before: bytes, after: bytes) -> None:
        """Put a secret that was sealed anew in the place of what it was before."""
        await self._pool.execute(
            "UPDATE api_keys SET material = $3 WHERE id = $1 AND material = $2",
            key_id,
            before,
            after,
        )


def _key(row: "Record") -> ApiKeyRow:
    return ApiKeyRow(*row)
