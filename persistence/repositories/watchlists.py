"""The watchlists' tables: named lists of markets, each somebody's own.

Laws: whatever is asked for is asked for with its owner, so somebody else's list is as absent as one
that never was. Bounds hold exactly, also for requests that race: whoever adds holds the owner's
row. Times are microseconds since the epoch.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import AlreadyThere, BoundReached
from persistence.postgres.database import DeadlinePool, affected

if TYPE_CHECKING:
    from asyncpg import Record

# The row of whoever adds something: locked, so that what one person has is counted once at a time.
HOLD_OWNER: Final = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"

_LIST: Final = (
    "w.id, w.name, (SELECT count(*) FROM watchlist_items i WHERE i.watchlist_id = w.id) AS items,"
    " w.created_at, w.updated_at"
)
_INSERT: Final = (
    "INSERT INTO watchlists (user_id, name, created_at, updated_at) VALUES ($1, $2, $3, $3)"
    " RETURNING id, name, 0::bigint AS items, created_at, updated_at"
)
_PAGE: Final = (
    f"SELECT {_LIST} FROM watchlists w WHERE w.user_id = $1 AND w.id > $2"  # noqa: S608 - a constant
    " ORDER BY w.id LIMIT $3 OFFSET $4"
)
_ONE: Final = f"SELECT {_LIST} FROM watchlists w WHERE w.user_id = $1 AND w.id = $2"  # noqa: S608 - a constant
_RENAME: Final = (
    "UPDATE watchlists w SET name = $3, updated_at = $4 WHERE w.user_id = $1 AND w.id = $2"  # noqa: S608 - a constant
    f" RETURNING {_LIST}"
)
_ITEMS: Final = (
    "SELECT i.id, i.platform, i.external_id, i.added_at FROM watchlist_items i"
    " JOIN watchlists w ON w.id = i.watchlist_id WHERE w.user_id = $1 AND w.id = $2 ORDER BY i.id"
)
_ADD: Final = (
    "INSERT INTO watchlist_items (watchlist_id, user_id, platform, external_id, added_at)"
    " VALUES ($2, $1, $3, $4, $5) ON CONFLICT (watchlist_id, platform, external_id) DO NOTHING"
    " RETURNING id, platform, external_id, added_at"
)
_REMOVE: Final = "DELETE FROM watchlist_items WHERE user_id = $1 AND watchlist_id = $2 AND id = $3"

_HOLD: Final = "SELECT FROM watchlists WHERE user_id = $1 AND id = $2 FOR NO KEY UPDATE"
_TOUCH: Final = "UPDATE watchlists SET updated_at = $3 WHERE user_id = $1 AND id = $2"


class Watchlist(msgspec.Struct, frozen=True):
    """A list; `items` counts its markets."""

    id: int
    name: str
    items: int
    created_at: int
    updated_at: int


class WatchedMarket(msgspec.Struct, frozen=True):
    """A market on a list; ours are named by their id."""

    id: int
    platform: str
    external_id: str
    added_at: int


class Watchlists:
    """Reads and writes watchlists and their items."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def create(self, user_id: int, name: str, at: int, most: int) -> Watchlist:
        """Add an empty list; raises BoundReached if its owner has `most` of them already."""
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            count = await connection.fetchval(
                "SELECT count(*) FROM watchlists WHERE user_id = $1", user_id
            )
            if count >= most:
                raise BoundReached
            row = await connection.fetchrow(_INSERT, user_id, name, at)
        return _list(row)

    async def page(
        self, user_id: int, limit: int, offset: int, after: int
    ) -> tuple[list[Watchlist], int]:
        """Return lists above the id `after`, in that order, and how many there are in all."""
        rows = await self._pool.fetch(_PAGE, user_id, after, limit, offset)
        total = await self._pool.fetchval(
            "SELECT count(*) FROM watchlists WHERE user_id = $1", user_id
        )
        return [_list(row) for row in rows], total

    async def get(self, user_id: int, watchlist_id: int) -> Watchlist | None:
        """Return one list."""
        row = await self._pool.fetchrow(_ONE, user_id, watchlist_id)
        return None if row is None else _list(row)

    async def rename(self, user_id: int, watchlist_id: int, name: str, at: int) -> Watchlist | None:
        """Give a list another name and return it."""
        row = await self._pool.fetchrow(_RENAME, user_id, watchlist_id, name, at)
        return None if row is None else _list(row)

    async def delete(self, user_id: int, watchlist_id: int) -> bool:
        """Delete a list with its items; say whether there was one."""
        done = await self._pool.execute(
            "DELETE FROM watchlists WHERE user_id = $1 AND id = $2", user_id, watchlist_id
        )
        return affected(done) == 1

    async def items(self, user_id: int, watchlist_id: int) -> list[WatchedMarket]:
        """Return a list's markets in the order they were added; O(its bound)."""
        rows = await self._pool.fetch(_ITEMS, user_id, watchlist_id)
        return [WatchedMarket(*row) for row in rows]

    async def add(
        self, user_id: int, watchlist_id: int, platform: str, external_id: str, at: int, most: int
    ) -> WatchedMarket | None:
        """Put a market on a list and return it; None if there is no such list.

        Raises AlreadyThere if it is on it, BoundReached if its owner has `most` items on all lists
        together.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            # A list that is being deleted is waited for, and gone then.
            found = await connection.fetchrow(f"{_TOUCH} RETURNING id", user_id, watchlist_id, at)
            if found is None:
                return None
            row = await connection.fetchrow(_ADD, user_id, watchlist_id, platform, external_id, at)
            if row is None:
                raise AlreadyThere
            count = await connection.fetchval(
                "SELECT count(*) FROM watchlist_items WHERE user_id = $1", user_id
            )
            if count > most:
                raise BoundReached
        return WatchedMarket(*row)

    async def remove(self, user_id: int, watchlist_id: int, item_id: int, at: int) -> bool:
        """Take a market off a list; say whether it was on it."""
        async with self._pool.transaction() as connection:
            # The list before its item, as whoever adds or deletes does: no circle of waiting.
            await connection.execute(_HOLD, user_id, watchlist_id)
            done = await connection.execute(_REMOVE, user_id, watchlist_id, item_id)
            if affected(done):
                await connection.execute(_TOUCH, user_id, watchlist_id, at)
        return affected(done) == 1


def _list(row: "Record | None") -> Watchlist:
    if row is None:
        raise TypeError("an INSERT ... RETURNING gave no row")
    return Watchlist(*row)
