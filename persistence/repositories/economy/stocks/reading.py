"""What is told of stocks: how their supply went, who has what, and every trade.

Laws: reads alone, each bounded. Supplies are told, never prices: those are the rules' to say.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.postgres.database import Fetching

if TYPE_CHECKING:
    from asyncpg import Record

# Of each stock the supply at each of some times: that after the last trade before it.
_SUPPLIES: Final = """
SELECT s.id, m.at, (SELECT t.supply_after FROM stock_trades t
                     WHERE t.stock_id = s.id AND t.at <= m.at ORDER BY t.at DESC, t.id DESC LIMIT 1)
  FROM unnest($1::integer[]) AS s(id) CROSS JOIN unnest($2::bigint[]) AS m(at)
 ORDER BY s.id, m.at
"""
_POSITIONS: Final = """
SELECT s.id, s.symbol, s.name, s.base, s.slope, s.interest, s.margin, s.supply, p.shares, p.loan,
       p.cost, p.profit
  FROM stock_positions p JOIN stocks s ON s.id = p.stock_id
 WHERE p.account_id = $1 AND p.stock_id > $2 ORDER BY p.stock_id LIMIT $3
"""
_TRADES: Final = """
SELECT t.id, s.symbol, s.base, s.slope, t.kind, t.shares, t.amount, t.loan, t.supply_after, t.at,
       t.order_id, i.system_id
  FROM stock_trades t JOIN stocks s ON s.id = t.stock_id JOIN stock_orders o ON o.id = t.order_id
  LEFT JOIN money_intents i ON i.id = o.intent_id
 WHERE t.account_id = $1 AND t.id < $2 AND $3::text IS NOT NULL
 ORDER BY t.id DESC LIMIT $4
"""
# Another statement, so that one stock's trades are found by their index.
_TRADES_OF_STOCK: Final = _TRADES.replace(
    "$3::text IS NOT NULL", "t.stock_id = (SELECT id FROM stocks WHERE symbol = $3::text)"
)


class PositionRow(msgspec.Struct, frozen=True):
    """What somebody has of a stock, and the stock; `cost` is what the shares were bought for."""

    stock_id: int
    symbol: str
    name: str
    base: int
    slope: int
    interest: int
    margin: int
    supply: int
    shares: int
    loan: int
    cost: int
    profit: int


class TradeRow(msgspec.Struct, frozen=True):
    """A trade: what somebody gained by it; `system_id` is that of the money's command, None where
    none moved.
    """

    id: int
    symbol: str
    base: int
    slope: int
    kind: str
    shares: int
    amount: int
    loan: int
    supply_after: int
    at: int
    order_id: int
    system_id: str | None


class StockReading:
    """Reads."""

    def __init__(self, source: Fetching) -> None:
        self._source = source

    async def supplies(
        self, stock_ids: Iterable[int], times: Iterable[int]
    ) -> Mapping[int, list[tuple[int, int]]]:
        """Return each stock's supply at some times, as (time, supply) in their order."""
        rows: list[Record] = await self._source.fetch(_SUPPLIES, [*stock_ids], [*times])
        found: dict[int, list[tuple[int, int]]] = {}
        for stock_id, at, supply in rows:
            found.setdefault(stock_id, []).append((at, supply or 0))
        return found

    async def positions(self, account_id: int, after: int, limit: int) -> list[PositionRow]:
        """Return what an account has, or had, of stocks above the number `after`."""
        rows = await self._source.fetch(_POSITIONS, account_id, after, limit)
        return [PositionRow(*row) for row in rows]

    async def trades(self, account_id: int, symbol: str, before: int, limit: int) -> list[TradeRow]:
        """Return an account's trades below the number `before`, newest first; "": of all stocks."""
        statement = _TRADES_OF_STOCK if symbol else _TRADES
        rows = await self._source.fetch(statement, account_id, before, symbol, limit)
        return [TradeRow(*row) for row in rows]
