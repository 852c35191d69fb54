"""The tables of what is done to stocks: orders, each a list of steps, which become trades.

    PENDING --> DONE       its steps are trades now, and the supply and positions are as they say
       '------> REFUSED    the engine refused it; nothing changed

Laws: an order is stored with the intent of its money, while its stock's row is held, and is the one
of its stock that is under way until it ends; it ends once, in the transaction that stores the
intent's answer. One that moves no money is done at once. One without an account adds a day's
interest, and moves the stock's `interest_day` on by one when it is done, unless what it was asked
by says that the day goes on (`GOES_ON`). A position's `cost` is
what its shares were bought for, `profit` what was made by selling some, less interest.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.postgres.database import DeadlinePool, Fetching
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

_COLUMNS: Final = (
    "o.id, o.stock_id, o.account_id, o.request_id, o.asked, o.kind, o.leverage, o.shares, o.amount,"
    " o.loan, o.liquidated, o.supply_after, o.steps, o.status, o.created_at, o.done_at, o.intent_id"
)
_ADD: Final = (
    "INSERT INTO stock_orders AS o (stock_id, account_id, request_id, asked, kind, leverage,"  # noqa: S608 - a constant
    " shares, amount, loan, liquidated, supply_after, steps, status, created_at, intent_id, id)"
    " OVERRIDING SYSTEM VALUE"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    f" RETURNING {_COLUMNS}"
)
_NEXT_ID: Final = "SELECT nextval(pg_get_serial_sequence('stock_orders', 'id'))"
_TRADE: Final = """
INSERT INTO stock_trades (order_id, stock_id, account_id, kind, shares, amount, loan, supply_after,
                          at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
# What shares cost or bring is `amount - loan`; a sale takes its part of what they had cost.
_BUY: Final = """
INSERT INTO stock_positions AS p (stock_id, account_id, shares, loan, cost, profit)
VALUES ($1, $2, $3::bigint, $5::bigint, $5::bigint - $4::bigint, 0)
    ON CONFLICT (stock_id, account_id) DO UPDATE
   SET shares = p.shares + $3, loan = p.loan + $5, cost = p.cost + $5 - $4
"""
_SELL: Final = """
UPDATE stock_positions
   SET shares = shares + $3::bigint, loan = loan + $5::bigint,
       cost = cost - CASE WHEN shares > 0 THEN div(cost::numeric * -$3::bigint, shares) ELSE 0 END,
       profit = profit + $4::bigint - $5::bigint
                - CASE WHEN shares > 0 THEN div(cost::numeric * -$3::bigint, shares) ELSE 0 END
 WHERE stock_id = $1 AND account_id = $2
"""


GOES_ON: Final = "GOES_ON"
"""What an order of a day's interest is asked by ends so if that day adds more by another one."""


class StepRow(msgspec.Struct, frozen=True, array_like=True):
    """One account's change: shares and money gained, how much more is owed, the stock's supply."""

    kind: str
    account_id: int
    shares: int
    amount: int
    loan: int
    supply_after: int


class NewOrder(msgspec.Struct, frozen=True):
    """What is to be done: `asked` is what was asked for, which is compared when it is asked again.

    What the account itself gains by it (`shares`, `amount`, `loan`) is the sum of its own steps;
    without an account it is a day's interest. `liquidated` counts the others of whom shares are
    sold.
    """

    stock_id: int
    account_id: int | None
    request_id: str | None
    asked: str
    kind: str
    leverage: int
    shares: int
    amount: int
    loan: int
    liquidated: int
    supply_after: int
    steps: tuple[StepRow, ...]


class OrderRow(NewOrder, frozen=True):
    """An order as it stands."""

    id: int
    status: str
    created_at: int
    done_at: int | None
    intent_id: int | None

    @property
    def ends_day(self) -> bool:
        """Whether it is the last that adds interest of a day."""
        return self.account_id is None and not self.asked.endswith(f" {GOES_ON}")


class StockOrders:
    """Reads and writes orders."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    @staticmethod
    async def next_number(source: Fetching) -> int:
        """Return a number that no order has, which the id of its intent is made of."""
        number: int = await source.fetchval(_NEXT_ID)
        return number

    @staticmethod
    async def hold_owner(connection: Any, account_id: int) -> None:  # noqa: ANN401 - the pool's
        """Hold a person's row until the transaction ends: always before a stock's."""
        await connection.execute(HOLD_OWNER, account_id)

    @staticmethod
    async def asked_before(source: Fetching, account_id: int, request_id: str) -> OrderRow | None:
        """Return the order of somebody's own id; None if there is none."""
        row = await source.fetchrow(
            f"SELECT {_COLUMNS} FROM stock_orders o WHERE o.account_id = $1 AND o.request_id = $2",  # noqa: S608 - a constant
            *(account_id, request_id),
        )
        return None if row is None else _order(row)

    @staticmethod
    async def of_intent(source: Fetching, intent_id: int) -> OrderRow:
        """Return the order of an intent."""
        row = await source.fetchrow(
            f"SELECT {_COLUMNS} FROM stock_orders o WHERE o.intent_id = $1",  # noqa: S608 - a constant
            intent_id,
        )
        return _order(row)

    async def by_id(self, order_id: int) -> OrderRow | None:
        """Return an order as it stands; None if it was taken back."""
        row = await self._pool.fetchrow(
            f"SELECT {_COLUMNS} FROM stock_orders o WHERE o.id = $1",  # noqa: S608 - a constant
            order_id,
        )
        return None if row is None else _order(row)

    @staticmethod
    async def begin(
        connection: Any,  # noqa: ANN401 - the pool's
        number: int,
        new: NewOrder,
        intent_id: int,
        now: int,
    ) -> OrderRow:
        """Store an order whose money the intent moves; its stock's row is held."""
        order = await _add(connection, number, new, "PENDING", now, intent_id)
        await connection.execute(
            "UPDATE stocks SET under_way = $2 WHERE id = $1", *(new.stock_id, number)
        )
        return order

    @classmethod
    async def do(
        cls,
        connection: Any,  # noqa: ANN401 - the pool's
        new: NewOrder,
        now: int,
    ) -> OrderRow:
        """Store an order that moves no money, and do it; its stock's row is held."""
        order = await _add(connection, await cls.next_number(connection), new, "DONE", now)
        await cls.finish(connection, order, now, is_done=True)
        return order

    @staticmethod
    async def finish(connection: Any, order: OrderRow, at: int, *, is_done: bool) -> None:  # noqa: ANN401 - the pool's
        """Do what was under way, or leave it undone if the engine refused it."""
        if is_done:
            await _apply(connection, order, at)
        await connection.execute(
            "UPDATE stock_orders SET status = $2, done_at = $3 WHERE id = $1",
            *(order.id, "DONE" if is_done else "REFUSED", at),
        )
        await connection.execute(
            "UPDATE stocks SET under_way = NULL WHERE id = $1 AND under_way = $2",
            *(order.stock_id, order.id),
        )


async def _add(
    connection: Any,  # noqa: ANN401 - the pool's
    number: int,
    new: NewOrder,
    status: str,
    now: int,
    intent_id: int | None = None,
) -> OrderRow:
    *terms, steps = msgspec.structs.astuple(new)
    row = await connection.fetchrow(
        _ADD, *terms, msgspec.msgpack.encode(steps), status, now, intent_id, number
    )
    return _order(row)


async def _apply(connection: Any, order: OrderRow, at: int) -> None:  # noqa: ANN401 - the pool's
    """Make an order's steps trades, and move the supply and the positions by them."""
    steps: Sequence[StepRow] = order.steps
    trades = [
        (
            order.id,
            order.stock_id,
            step.account_id,
            step.kind,
            step.shares,
            step.amount,
            step.loan,
            step.supply_after,
            at,
        )
        for step in steps
    ]
    await connection.executemany(_TRADE, trades)
    for statement, is_buy in ((_BUY, True), (_SELL, False)):
        moves = [
            (order.stock_id, step.account_id, step.shares, step.amount, step.loan)
            for step in steps
            if (step.kind == "BUY") is is_buy
        ]
        await connection.executemany(statement, moves)
    await connection.execute(
        "UPDATE stocks SET supply = $2, interest_day = interest_day + $3::integer WHERE id = $1",
        *(order.stock_id, order.supply_after, int(order.ends_day)),
    )


_decode: Final = msgspec.msgpack.Decoder(tuple[StepRow, ...]).decode


def _order(row: "Record | None") -> OrderRow:
    if row is None:
        raise TypeError("there is no such order")
    number, *terms, steps, status, created_at, done_at, intent_id = row.values()
    values = *terms, _decode(steps), number, status, created_at, done_at, intent_id
    return OrderRow(*values)
