"""The table of stocks, and who has how much of each.

Laws: a stock's row is held by whoever decides on it, until the order is stored; its supply and the
positions change by orders alone (`orders.py`). Money, shares and rates are as in the step's text.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.messages.terms import Standing
from exchange.model.system_accounts import reserve_of
from persistence.journal.codes import STANDING
from persistence.postgres.database import DeadlinePool, Fetching, affected

if TYPE_CHECKING:
    from asyncpg import Record

STOCKS_MAX: Final = 999
"""As many as there are accounts for reserves."""
_COLUMNS: Final = (
    "id, symbol, name, base, slope, interest, margin, is_halted, supply, created_at, interest_day,"
    " under_way"
)
# Who creates one waits for whoever does already: numbers are given one after the other.
_LOCK: Final = "LOCK TABLE stocks IN SHARE ROW EXCLUSIVE MODE"
_ADD: Final = (
    "INSERT INTO stocks (id, symbol, name, base, slope, interest, margin, created_at,"  # noqa: S608 - a constant
    " interest_day) SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM stocks"
    f" HAVING coalesce(max(id), 0) < {STOCKS_MAX} ON CONFLICT (symbol) DO NOTHING"
    f" RETURNING {_COLUMNS}"
)
_HELD: Final = f"""
SELECT p.account_id, p.shares, p.loan, coalesce(a.standing = {STANDING[Standing.CLOSED]}, false)
  FROM stock_positions p LEFT JOIN accounts a ON a.id = p.account_id
 WHERE p.stock_id = {{}} AND p.shares > 0 AND (p.loan > 0 OR p.account_id = $2)
 ORDER BY p.account_id
"""  # noqa: S608 - a constant
_HOLDINGS: Final = _HELD.format("$1")
_WHOLE: Final = (
    f"SELECT {_COLUMNS}, h.* FROM stocks s"  # noqa: S608 - constants
    f" LEFT JOIN LATERAL ({_HELD.format('s.id')}) h ON true"
    " WHERE symbol = $1 ORDER BY h.account_id"
)


class NewStock(msgspec.Struct, frozen=True):
    """What a stock is made of: prices are money, rates 1/10 000."""

    symbol: str
    name: str
    base: int
    slope: int
    interest: int
    margin: int


class StockRow(msgspec.Struct, frozen=True):
    """A stock as it stands; `under_way` is the order that isn't done yet, None without one."""

    id: int
    symbol: str
    name: str
    base: int
    slope: int
    interest: int
    margin: int
    is_halted: bool
    supply: int
    created_at: int
    interest_day: date
    under_way: int | None

    @property
    def reserve_id(self) -> int:
        """Return the account of its reserve."""
        return reserve_of(self.id)


class HoldingRow(msgspec.Struct, frozen=True):
    """Shares of somebody's (hundredths), and what is owed on them (money).

    What is left for an account that `is_closed`, for good, can't be paid to it.
    """

    account_id: int
    shares: int
    loan: int
    is_closed: bool = False


class Stocks:
    """Reads and writes stocks."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def add(self, new: NewStock, now: int, day: date) -> StockRow | None:
        """Store a stock under the next number; None if its symbol is another's, or none is left."""
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK)
            row = await connection.fetchrow(_ADD, *msgspec.structs.astuple(new), now, day)
        return None if row is None else StockRow(*row)

    async def by_symbol(self, symbol: str) -> StockRow | None:
        """Return a stock as it stands."""
        row = await self._pool.fetchrow(
            f"SELECT {_COLUMNS} FROM stocks WHERE symbol = $1",  # noqa: S608 - a constant
            symbol,
        )
        return None if row is None else StockRow(*row)

    async def page(self, after: int, limit: int) -> list[StockRow]:
        """Return stocks above the number `after`, the earliest first."""
        rows = await self._pool.fetch(
            f"SELECT {_COLUMNS} FROM stocks WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608 - a constant
            *(after, limit),
        )
        return [StockRow(*row) for row in rows]

    async def without_interest(self, day: date) -> list[int]:
        """Return the numbers of the stocks whose loans bear no interest of `day` yet."""
        rows = await self._pool.fetch(
            "SELECT id FROM stocks WHERE interest_day < $1 ORDER BY id", day
        )
        return [row["id"] for row in rows]

    @staticmethod
    async def hold(connection: Any, stock_id: int) -> StockRow:  # noqa: ANN401 - the pool's
        """Hold a stock's row until the transaction ends, and return it as it stands then."""
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM stocks WHERE id = $1 FOR UPDATE",  # noqa: S608 - a constant
            stock_id,
        )
        return _stock(row)

    @staticmethod
    async def holdings(source: Fetching, stock_id: int, account_id: int = 0) -> list[HoldingRow]:
        """Return what those have who owe something, and what an account has."""
        rows: Sequence[Record] = await source.fetch(_HOLDINGS, stock_id, account_id)
        return [HoldingRow(*row) for row in rows]

    async def whole(self, symbol: str, account_id: int) -> tuple[StockRow, list[HoldingRow]] | None:
        """Return a stock with its `holdings`, at one moment; between two reads a trade may be done.

        None if there is none.
        """
        rows = [tuple(row) for row in await self._pool.fetch(_WHOLE, symbol, account_id)]
        if not rows:
            return None
        width = len(StockRow.__struct_fields__)
        held = [HoldingRow(*row[width:]) for row in rows if row[width] is not None]
        return StockRow(*rows[0][:width]), held

    @staticmethod
    async def bear_none(connection: Any, stock_id: int, day: date) -> None:  # noqa: ANN401 - the pool's
        """Note that nothing is owed, so that no day up to `day` bears interest."""
        await connection.execute(
            "UPDATE stocks SET interest_day = $2 WHERE id = $1", *(stock_id, day)
        )

    @staticmethod
    async def cash(source: Fetching, stock_id: int) -> int:
        """Return the cash of a stock's reserve (money), as the engine stored it last."""
        cash: int | None = await source.fetchval(
            "SELECT available FROM accounts WHERE id = $1", reserve_of(stock_id)
        )
        return cash or 0

    async def halt(self, symbol: str, *, is_halted: bool) -> bool:
        """Let nobody buy a stock, or everybody again; say whether there is one."""
        done = await self._pool.execute(
            "UPDATE stocks SET is_halted = $2 WHERE symbol = $1", *(symbol, is_halted)
        )
        return affected(done) == 1


def _stock(row: "Record | None") -> StockRow:
    if row is None:
        raise TypeError("there is no such stock")
    return StockRow(*row)
