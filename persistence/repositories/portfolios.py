"""The portfolios' table: each somebody's own, one of them the default while there is one at all.

Laws: whatever is asked for is asked for with its owner, so somebody else's is as absent as one that
never was. The default moves in one transaction, under the owner's row, so that requests which race
leave exactly one. Times are microseconds since the epoch.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import BoundReached, DefaultNeeded
from persistence.postgres.database import DeadlinePool, Fetching
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

_COLUMNS: Final = "id, name, description, is_default, created_at, updated_at"
_INSERT: Final = (
    "INSERT INTO portfolios (user_id, name, description, is_default, created_at, updated_at)"  # noqa: S608 - a constant
    f" VALUES ($1, $2, $3, $4, $5, $5) RETURNING {_COLUMNS}"
)
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM portfolios WHERE user_id = $1 AND id > $2"  # noqa: S608 - a constant
    " ORDER BY id LIMIT $3 OFFSET $4"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM portfolios WHERE user_id = $1 AND id = $2"  # noqa: S608 - a constant
_CHANGE: Final = (
    "UPDATE portfolios SET name = coalesce($3, name), description = coalesce($4, description),"  # noqa: S608 - a constant
    " is_default = coalesce($5, is_default), updated_at = $6"
    f" WHERE user_id = $1 AND id = $2 RETURNING {_COLUMNS}"
)
_NO_DEFAULT: Final = "UPDATE portfolios SET is_default = false WHERE user_id = $1 AND is_default"
_OLDEST_IS_DEFAULT: Final = (
    "UPDATE portfolios SET is_default = true"
    " WHERE id = (SELECT min(id) FROM portfolios WHERE user_id = $1)"
)


class Portfolio(msgspec.Struct, frozen=True):
    """A portfolio without what it holds."""

    id: int
    name: str
    description: str
    is_default: bool
    created_at: int
    updated_at: int


class Portfolios:
    """Reads and writes portfolios."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def create(
        self, user_id: int, name: str, description: str, at: int, most: int, *, is_default: bool
    ) -> Portfolio:
        """Add an empty portfolio; the first one is the default whatever is said.

        Raises BoundReached if its owner has `most` of them already.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            count = await self._count(connection, user_id)
            if count >= most:
                raise BoundReached
            if is_default:
                await connection.execute(_NO_DEFAULT, user_id)
            row = await connection.fetchrow(
                _INSERT, user_id, name, description, is_default or not count, at
            )
        return _portfolio(row)

    async def page(
        self, user_id: int, limit: int, offset: int, after: int
    ) -> tuple[list[Portfolio], int]:
        """Return portfolios above the id `after`, in that order, and how many there are in all."""
        rows = await self._pool.fetch(_PAGE, user_id, after, limit, offset)
        return [_portfolio(row) for row in rows], await self._count(self._pool, user_id)

    async def get(self, user_id: int, portfolio_id: int) -> Portfolio | None:
        """Return one portfolio."""
        row = await self._pool.fetchrow(_ONE, user_id, portfolio_id)
        return None if row is None else _portfolio(row)

    async def change(
        self,
        user_id: int,
        portfolio_id: int,
        name: str | None,
        description: str | None,
        is_default: bool | None,
        at: int,
    ) -> Portfolio | None:
        """Change what isn't None and return the portfolio.

        Raises DefaultNeeded if it is to be the default no longer: another has to become it instead.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            found = await connection.fetchrow(_ONE, user_id, portfolio_id)
            if found is None:
                return None
            if is_default is False and found["is_default"]:
                raise DefaultNeeded
            if is_default:
                await connection.execute(_NO_DEFAULT, user_id)
            row = await connection.fetchrow(
                _CHANGE, user_id, portfolio_id, name, description, is_default, at
            )
        return _portfolio(row)

    async def delete(self, user_id: int, portfolio_id: int) -> bool:
        """Delete a portfolio with all it holds; say whether there was one.

        If it was the default, the oldest of those that are left becomes it.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            was_default = await connection.fetchval(
                "DELETE FROM portfolios WHERE user_id = $1 AND id = $2 RETURNING is_default",
                user_id,
                portfolio_id,
            )
            if was_default:
                await connection.execute(_OLDEST_IS_DEFAULT, user_id)
        return was_default is not None

    @staticmethod
    async def _count(source: Fetching, user_id: int) -> int:
        count: int = await source.fetchval(
            "SELECT count(*) FROM portfolios WHERE user_id = $1", user_id
        )
        return count


def _portfolio(row: "Record | None") -> Portfolio:
    if row is None:
        raise TypeError("a statement that returns its row gave none")
    return Portfolio(*row)
