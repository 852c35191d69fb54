"""What a month's budgets of research, one's own and everybody's, hold for what is under way, and
have spent.

Laws: an amount is held or paid only where it fits both, each in one statement under its row's lock,
so of any number that come at once only so many pass as the budgets have room for. What is held is
either spent or released, once, in the transaction that ends what it was held for. Everybody's row
is the last that a transaction takes, and holds what somebody used who has left. Amounts are 1/100
cent.
"""

from typing import Any, Final

import msgspec

from persistence.errors import BoundReached

_MAKE: Final = (
    "INSERT INTO research_budgets (user_id, month) VALUES ($1, $2) ON CONFLICT DO NOTHING"
)
_HOLD: Final = (
    "UPDATE research_budgets SET held = held + $3"
    " WHERE user_id = $1 AND month = $2 AND held + spent + $3 <= $4 RETURNING user_id"
)
_PAY: Final = (
    "UPDATE research_budgets SET spent = spent + $3"
    " WHERE user_id = $1 AND month = $2 AND held + spent + $3 <= $4 RETURNING user_id"
)
_SETTLE: Final = (
    "UPDATE research_budgets SET held = held - $3, spent = spent + $4"
    " WHERE user_id = $1 AND month = $2"
)
_MAKE_TOTAL: Final = "INSERT INTO research_totals (month) VALUES ($1) ON CONFLICT DO NOTHING"
_USE: Final = (
    "UPDATE research_totals SET used = used + $2"
    " WHERE month = $1 AND ($3::bigint = 0 OR used + $2 <= $3) RETURNING month"
)
_STANDING: Final = """
SELECT coalesce(b.held, 0), coalesce(b.spent, 0), coalesce(t.used, 0)
  FROM (SELECT $1::bigint AS user_id, $2::integer AS month) asked
  LEFT JOIN research_budgets b USING (user_id, month) LEFT JOIN research_totals t USING (month)
"""


class MonthlyBounds(msgspec.Struct, frozen=True):
    """What a month has room for: of one person, and of all together (0: as much as they have)."""

    own: int
    of_all: int


class MonthlyBudget(msgspec.Struct, frozen=True):
    """How a month stands: what one's own holds and has spent, what all together have used."""

    held: int = 0
    spent: int = 0
    of_all: int = 0

    def left(self, bounds: MonthlyBounds) -> int:
        """Return what one may still spend."""
        left = bounds.own - self.held - self.spent
        return max(0, min(left, self.left_of_all(bounds)) if bounds.of_all else left)

    def left_of_all(self, bounds: MonthlyBounds) -> int:
        """Return what all together may still spend, where that is bounded."""
        return max(0, bounds.of_all - self.of_all)


async def hold(
    connection: Any,  # noqa: ANN401 - the pool's
    user_id: int,
    month: int,
    amount: int,
    bounds: MonthlyBounds,
) -> None:
    """Hold an amount; raises BoundReached where it doesn't fit, of which the caller takes back all
    that it did.
    """
    await _take(connection, _HOLD, user_id, month, amount, bounds)


async def pay(
    connection: Any,  # noqa: ANN401 - the pool's
    user_id: int,
    month: int,
    amount: int,
    bounds: MonthlyBounds,
) -> None:
    """Pay an amount at once; raises as `hold`."""
    await _take(connection, _PAY, user_id, month, amount, bounds)


async def _take(
    connection: Any,  # noqa: ANN401 - the pool's
    own: str,
    user_id: int,
    month: int,
    amount: int,
    bounds: MonthlyBounds,
) -> None:
    await connection.execute(_MAKE, user_id, month)
    if await connection.fetchval(own, user_id, month, amount, bounds.own) is None:
        raise BoundReached
    await connection.execute(_MAKE_TOTAL, month)
    if await connection.fetchval(_USE, month, amount, bounds.of_all) is None:
        raise BoundReached


async def settle(
    connection: Any,  # noqa: ANN401 - the pool's
    user_id: int,
    month: int,
    held: int,
    *,
    spent: int,
) -> None:
    """Hold an amount no more, and spend so much of it."""
    await connection.execute(_SETTLE, user_id, month, held, spent)
    if spent != held:
        await connection.fetchval(_USE, month, spent - held, 0)


async def pay_back(connection: Any, user_id: int, month: int, amount: int) -> None:  # noqa: ANN401 - the pool's
    """Take back what was paid for nothing."""
    await settle(connection, user_id, month, 0, spent=-amount)


async def budget_of(source: Any, user_id: int, month: int) -> MonthlyBudget:  # noqa: ANN401 - a pool or a connection
    """Return how a month stands."""
    return MonthlyBudget(*await source.fetchrow(_STANDING, user_id, month))
