"""What each open order has locked, against what the rules say that it needs, block by block.

Laws: the need is the core's own (`escrow`, `invariants.to_be_locked`), not written again in SQL;
the sum of what orders have locked is `standing`'s.
"""

from typing import Any, Final

from exchange.messages.terms import MarketStatus, OrderStatus
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.proof.invariants import to_be_locked
from persistence.journal.codes import FEE_MODEL, words
from persistence.journal.open_orders import ids_in
from persistence.journal.order_rows import COLUMNS, order_of
from persistence.postgres.database import Connection
from persistence.proof.online.course import TOLD_MAX, Mark, Piece
from persistence.repositories.checks.findings import Finding

BLOCKS_AT_ONCE: Final = 16
"""Of 512 orders at most."""
_BLOCKS: Final = f"""
SELECT block, bits FROM open_orders WHERE block >= $1 ORDER BY block LIMIT {BLOCKS_AT_ONCE}
"""  # noqa: S608 - a constant
_ORDERS: Final = f"SELECT {COLUMNS} FROM orders WHERE id = ANY($1::bigint[])"  # noqa: S608 - a constant
_MARKETS: Final = (
    "SELECT id, maker_fee, taker_fee, fee_model FROM markets WHERE id = ANY($1::bigint[])"
)
_FEE_MODELS: Final = words(FEE_MODEL)


class Orders:
    """The course; its key is a block of `open_orders`."""

    name: Final = "orders"
    start: Final = Mark()
    is_front: Final = False

    async def length(self, connection: Connection) -> int:
        """Return one more than the last block."""
        return await connection.fetchval("SELECT coalesce(max(block) + 1, 0) FROM open_orders") or 0

    async def piece(self, connection: Connection, mark: Mark, seq: int) -> Piece:
        """Look at the next open orders."""
        blocks = await connection.fetch(_BLOCKS, mark.key)
        if not blocks:
            return Piece(self.start, [], is_end=True)
        ids = [one for block in blocks for one in ids_in(block["block"], block["bits"].bytes)]
        findings = await self._findings(connection, ids, seq)
        return Piece(Mark(blocks[-1]["block"] + 1), findings[:TOLD_MAX], is_end=False)

    async def _findings(self, connection: Connection, ids: list[int], seq: int) -> list[Finding]:
        orders, found = await _read(connection, ids, seq)
        partners = {one.partner for one in orders.values() if one.partner is not None}
        others, _ = await _read(connection, [one for one in partners if one not in orders], seq)
        wanted = list({order.market_id for order in orders.values()})
        rows = await connection.fetch(_MARKETS, wanted)
        markets = {row["id"]: _market(row) for row in rows if row["fee_model"] in _FEE_MODELS}
        for order in orders.values():
            market = markets.get(order.market_id)
            if market is None:
                told, seen = f"market {order.market_id}", "none whose fees can be read"
                subject = f"order {order.id}"
                found.append(Finding("orders", order.market_id, subject, told, seen, seq))
                continue
            partner = None
            if order.partner is not None:
                partner = orders.get(order.partner) or others.get(order.partner)
            need = to_be_locked(market, order, partner)
            if order.locked != need:
                subject, seen = f"order {order.id}", f"{order.locked} locked"
                found.append(Finding("orders", market.id, subject, f"{need} needed", seen, seq))
        return found


async def _read(
    connection: Connection, ids: list[int], seq: int
) -> tuple[dict[int, Order], list[Finding]]:
    """Return those of the orders that are open, and those that can't be read."""
    orders, found = dict[int, Order](), []
    for row in await connection.fetch(_ORDERS, ids) if ids else ():
        try:
            order = order_of(row)
        except LookupError as error:
            subject = f"order {row['id']}"
            found.append(
                Finding("orders", row["market_id"], subject, "what we write", str(error), seq)
            )
            continue
        if order.status in _OPEN:
            order.resting = order.status is not OrderStatus.PENDING
            orders[order.id] = order
    return orders, found


_OPEN: Final = (OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.PENDING)


def _market(row: Any) -> Market:  # noqa: ANN401 - asyncpg's own Record
    """Return a market as far as an order's need is a matter of it."""
    return Market(
        id=row["id"],
        slug="",
        question="",
        description="",
        category="",
        close_time=0,
        tick_size=0,
        min_quantity=0,
        maker_fee=row["maker_fee"],
        taker_fee=row["taker_fee"],
        fee_model=_FEE_MODELS[row["fee_model"]],
        status=MarketStatus.OPEN,
        created_at=0,
    )
