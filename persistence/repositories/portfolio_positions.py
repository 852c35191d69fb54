"""The positions that people note down in their portfolios, and the sums that figures are made of.

Laws: whatever is asked for is asked for with its owner; a position is closed once, by one statement
that also works out what it made, so of requests that race one wins and the figures are of what it
held just then. A closed one never changes again, but may be deleted.

Numbers are integers here and exact decimals in the table: shares in 1/10^8, prices in 1/10^6, money
in 1/10^8, a product of shares and a price in 1/10^14. Times are microseconds since the epoch.
"""

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.messages.terms import Outcome
from persistence.errors import AlreadyThere, BoundReached
from persistence.journal.codes import OUTCOME, words
from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

SHARE_PLACES: Final = 8
PRICE_PLACES: Final = 6
MONEY_PLACES: Final = 8
EXACT_PLACES: Final = SHARE_PLACES + PRICE_PLACES

_SIDES: Final = words(OUTCOME)
_EXACTLY: Final = Context(prec=60)
"""More digits than any sum of these has."""
_COLUMNS: Final = (
    "id, portfolio_id, platform, external_id, side, quantity, avg_cost, ticker, question,"
    " opened_at, updated_at, closed_at, close_price, realized_pnl"
)
_INSERT: Final = (
    "INSERT INTO portfolio_positions (user_id, portfolio_id, platform, external_id, side, quantity,"  # noqa: S608 - a constant
    " avg_cost, ticker, question, opened_at, updated_at)"
    f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING {_COLUMNS}"
)
# A filter that is off is null: one plan for all.
_WANTED: Final = (
    "FROM portfolio_positions WHERE user_id = $1 AND portfolio_id = $2"
    " AND ($3::boolean IS NULL OR (closed_at IS NULL) = $3)"
    " AND ($4::text IS NULL OR platform = $4)"
)
_PAGE: Final = f"SELECT {_COLUMNS} {_WANTED} AND id > $5 ORDER BY id LIMIT $6 OFFSET $7"
_COUNT: Final = f"SELECT count(*) {_WANTED}"
_ONE: Final = f"SELECT {_COLUMNS} FROM portfolio_positions WHERE user_id = $1 AND id = $2"  # noqa: S608 - a constant
_CHANGE: Final = (
    "UPDATE portfolio_positions SET quantity = coalesce($3, quantity),"  # noqa: S608 - a constant
    " avg_cost = coalesce($4, avg_cost), ticker = coalesce($5, ticker),"
    " question = coalesce($6, question), updated_at = $7"
    f" WHERE user_id = $1 AND id = $2 AND closed_at IS NULL RETURNING {_COLUMNS}"
)
_CLOSE: Final = (
    "UPDATE portfolio_positions SET closed_at = $4, updated_at = $4, close_price = $3,"  # noqa: S608 - a constant
    f" realized_pnl = round(quantity * ($3 - avg_cost), {MONEY_PLACES})"
    f" WHERE user_id = $1 AND id = $2 AND closed_at IS NULL RETURNING {_COLUMNS}"
)
_LOTS: Final = """
SELECT portfolio_id, platform, external_id, side, count(*), sum(quantity), sum(quantity * avg_cost)
  FROM portfolio_positions WHERE portfolio_id = ANY($1::bigint[]) AND closed_at IS NULL
 GROUP BY portfolio_id, platform, external_id, side
 ORDER BY portfolio_id, platform, external_id, side
"""
_CLOSED: Final = """
SELECT portfolio_id, count(*), sum(realized_pnl)
  FROM portfolio_positions WHERE portfolio_id = ANY($1::bigint[]) AND closed_at IS NOT NULL
 GROUP BY portfolio_id
"""


class NewPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What is noted down of shares of one side of a market."""

    platform: str
    external_id: str
    side: Outcome
    quantity: int
    avg_cost: int
    ticker: str | None
    question: str


class Position(NewPosition, frozen=True, kw_only=True):
    """A position; the last three are None while it is open."""

    id: int
    portfolio_id: int
    opened_at: int
    updated_at: int
    closed_at: int | None
    close_price: int | None
    realized_pnl: int | None


class PositionFilter(msgspec.Struct, frozen=True):
    """Which positions are wanted; None matches all."""

    is_open: bool | None = None
    platform: str | None = None


class OpenShares(msgspec.Struct, frozen=True):
    """All open shares of one side of a market in a portfolio; `cost` is their exact product."""

    portfolio_id: int
    platform: str
    external_id: str
    side: Outcome
    positions: int
    quantity: int
    cost: int


class ClosedSum(msgspec.Struct, frozen=True):
    """How many positions of a portfolio are closed, and what they made."""

    portfolio_id: int
    positions: int
    realized_pnl: int


class PortfolioPositions:
    """Reads and writes positions."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def add(
        self, user_id: int, portfolio_id: int, new: NewPosition, at: int, most: int
    ) -> Position | None:
        """Note a position down and return it; None if there is no such portfolio.

        Raises BoundReached if its owner has `most` in all portfolios together, closed ones too.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            # A portfolio that is being deleted is waited for, and gone then.
            found = await connection.fetchrow(
                "SELECT FROM portfolios WHERE user_id = $1 AND id = $2 FOR KEY SHARE",
                user_id,
                portfolio_id,
            )
            if found is None:
                return None
            count = await connection.fetchval(
                "SELECT count(*) FROM portfolio_positions WHERE user_id = $1", user_id
            )
            if count >= most:
                raise BoundReached
            row = await connection.fetchrow(
                _INSERT,
                user_id,
                portfolio_id,
                new.platform,
                new.external_id,
                OUTCOME[new.side],
                decimal_of(new.quantity, SHARE_PLACES),
                decimal_of(new.avg_cost, PRICE_PLACES),
                new.ticker,
                new.question,
                at,
            )
        return _position(row)

    async def page(
        self,
        user_id: int,
        portfolio_id: int,
        wanted: PositionFilter,
        limit: int,
        offset: int,
        after: int,
    ) -> tuple[list[Position], int]:
        """Return positions above the id `after`, in that order, and how many are wanted in all."""
        which = user_id, portfolio_id, wanted.is_open, wanted.platform
        rows = await self._pool.fetch(_PAGE, *which, after, limit, offset)
        total = await self._pool.fetchval(_COUNT, *which)
        return [_position(row) for row in rows], total

    async def get(self, user_id: int, position_id: int) -> Position | None:
        """Return one position."""
        row = await self._pool.fetchrow(_ONE, user_id, position_id)
        return None if row is None else _position(row)

    async def change(
        self,
        user_id: int,
        position_id: int,
        at: int,
        *,
        quantity: int | None = None,
        avg_cost: int | None = None,
        ticker: str | None = None,
        question: str | None = None,
    ) -> Position | None:
        """Change what isn't None and return the position; raises AlreadyThere if it is closed."""
        row = await self._pool.fetchrow(
            _CHANGE,
            user_id,
            position_id,
            None if quantity is None else decimal_of(quantity, SHARE_PLACES),
            None if avg_cost is None else decimal_of(avg_cost, PRICE_PLACES),
            ticker,
            question,
            at,
        )
        return await self._changed(row, user_id, position_id)

    async def close(self, user_id: int, position_id: int, price: int, at: int) -> Position | None:
        """Close a position at a price of its side and return it; raises AlreadyThere if it is.

        What it made is quantity x (price - average cost), rounded half away from zero to money.
        """
        row = await self._pool.fetchrow(
            _CLOSE, user_id, position_id, decimal_of(price, PRICE_PLACES), at
        )
        return await self._changed(row, user_id, position_id)

    async def remove(self, user_id: int, position_id: int) -> bool:
        """Delete a position, open or closed; say whether there was one."""
        done = await self._pool.execute(
            "DELETE FROM portfolio_positions WHERE user_id = $1 AND id = $2", user_id, position_id
        )
        return affected(done) == 1

    async def open_shares(self, portfolio_ids: Sequence[int]) -> list[OpenShares]:
        """Return what these portfolios hold, summed by market and side."""
        rows = await self._pool.fetch(_LOTS, list(portfolio_ids))
        return [_open_shares(row) for row in rows]

    async def closed_sums(self, portfolio_ids: Sequence[int]) -> list[ClosedSum]:
        """Return what became of closed positions, of those of these that have any."""
        rows = await self._pool.fetch(_CLOSED, list(portfolio_ids))
        return [ClosedSum(row[0], row[1], units(row[2], MONEY_PLACES)) for row in rows]

    async def _changed(
        self, row: "Record | None", user_id: int, position_id: int
    ) -> Position | None:
        if row is not None:
            return _position(row)
        if await self.get(user_id, position_id) is None:
            return None
        raise AlreadyThere


def units(number: Decimal, places: int) -> int:
    """Return a decimal of the tables as a count of 1/10^places."""
    return int(number.scaleb(places, _EXACTLY))


def decimal_of(number: int, places: int) -> Decimal:
    """Return a count of 1/10^places as a decimal of the tables."""
    return Decimal(number).scaleb(-places, _EXACTLY)


def _position(row: Any) -> Position:  # noqa: ANN401 - asyncpg's own Record
    close_price, realized_pnl = row["close_price"], row["realized_pnl"]
    return Position(
        id=row["id"],
        portfolio_id=row["portfolio_id"],
        platform=row["platform"],
        external_id=row["external_id"],
        side=_SIDES[row["side"]],
        quantity=units(row["quantity"], SHARE_PLACES),
        avg_cost=units(row["avg_cost"], PRICE_PLACES),
        ticker=row["ticker"],
        question=row["question"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        closed_at=row["closed_at"],
        close_price=None if close_price is None else units(close_price, PRICE_PLACES),
        realized_pnl=None if realized_pnl is None else units(realized_pnl, MONEY_PLACES),
    )


def _open_shares(row: Any) -> OpenShares:  # noqa: ANN401 - asyncpg's own Record
    portfolio_id, platform, external_id, side, count, quantity, cost = row.values()
    return OpenShares(
        portfolio_id,
        platform,
        external_id,
        _SIDES[side],
        count,
        units(quantity, SHARE_PLACES),
        units(cost, EXACT_PLACES),
    )
