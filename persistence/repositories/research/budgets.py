"""What a month's budget of research holds for what is under way, and has spent.

Laws: an amount is held or paid only where it fits, in one statement under the row's lock, so of any
number that come at once only so many pass as the budget has room for. What is held is either spent
or released, once, in the transaction that ends what it was held for. Amounts are 1/100 cent.
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


class MonthlyBudget(msgspec.Struct, frozen=True):
    """How a month stands."""

    held: int = 0
    spent: int = 0


async def hold(connection: Any, user_id: int, month: int, amount: int, budget: int) -> None:  # noqa: ANN401 - the pool's
    """Hold an amount; raises BoundReached where it doesn't fit."""
    await connection.execute(_MAKE, user_id, month)
    if await connection.fetchval(_HOLD, user_id, month, amount, budget) is None:
        raise BoundReached


async def pay(connection: Any, user_id: int, month: int, amount: int, budget: int) -> None:  # noqa: ANN401 - the pool's
    """Pay an amount at once; raises BoundReached where it doesn't fit."""
    await connection.execute(_MAKE, user_id, month)
    if await connection.fetchval(_PAY, user_id, month, amount, budget) is None:
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


async def pay_back(connection: Any, user_id: int, month: int, amount: int) -> None:  # noqa: ANN401 - the pool's
    """Take back what was paid for nothing."""
    await connection.execute(_SETTLE, user_id, month, 0, -amount)


async def budget_of(source: Any, user_id: int, month: int) -> MonthlyBudget:  # noqa: ANN401 - a pool or a connection
    """Return how a month stands."""
    row = await source.fetchrow(
        "SELECT held, spent FROM research_budgets WHERE user_id = $1 AND month = $2", user_id, month
    )
    return MonthlyBudget() if row is None else MonthlyBudget(*row)
