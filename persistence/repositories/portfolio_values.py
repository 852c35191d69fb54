"""What portfolios were worth, a row a portfolio and day; and who has one that is to be noted.

Laws: a day's row is written once, so a job that is begun again changes nothing; every read and
every write has a bound. A portfolio of None is what somebody holds on the exchange, read from its
tables. Money is integers in 1/10^8 here; days count from the Unix epoch, in UTC.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.portfolio_positions import MONEY_PLACES, decimal_of, units

DAY_US: Final = 86_400_000_000
"""A day in microseconds."""

# A portfolio or a person that goes meanwhile is waited for, and left out.
_NOTE: Final = """
INSERT INTO portfolio_values
       (user_id, portfolio_id, day, at, positions, unpriced, cost, value, realized_pnl)
SELECT p.user_id, p.id, $1, $2, v.positions, v.unpriced, v.cost, v.value, v.realized_pnl
  FROM unnest($3::bigint[], $4::integer[], $5::integer[], $6::numeric[], $7::numeric[],
              $8::numeric[]) AS v(portfolio_id, positions, unpriced, cost, value, realized_pnl)
  JOIN portfolios p ON p.id = v.portfolio_id
   FOR KEY SHARE OF p
    ON CONFLICT (user_id, portfolio_id, day) DO NOTHING
"""
_NOTE_HERE: Final = """
INSERT INTO portfolio_values
       (user_id, portfolio_id, day, at, positions, unpriced, cost, value, realized_pnl)
SELECT u.id, NULL, $1, $2, v.positions, v.unpriced, v.cost, v.value, v.realized_pnl
  FROM unnest($3::bigint[], $4::integer[], $5::integer[], $6::numeric[], $7::numeric[],
              $8::numeric[]) AS v(user_id, positions, unpriced, cost, value, realized_pnl)
  JOIN users u ON u.id = v.user_id
   FOR KEY SHARE OF u
    ON CONFLICT (user_id, portfolio_id, day) DO NOTHING
"""
_PAST: Final = """
SELECT day, at, positions, unpriced, cost, value, realized_pnl FROM portfolio_values
 WHERE user_id = $1 AND portfolio_id IS NOT DISTINCT FROM $2 AND day < $3
 ORDER BY day DESC LIMIT $4
"""
_TO_NOTE: Final = """
SELECT p.id FROM portfolios p
 WHERE p.id > $1 AND NOT EXISTS (SELECT FROM portfolio_values v
                                  WHERE v.user_id = p.user_id AND v.portfolio_id = p.id
                                    AND v.day = $2)
 ORDER BY p.id LIMIT $3
"""
# Of so many people at once all markets they ever held shares of.
_HERE_TO_NOTE: Final = """
SELECT p.account_id, p.market_id, p.yes_free + p.yes_locked AS yes, p.yes_cost,
       p.no_free + p.no_locked AS no, p.no_cost, p.realised
  FROM (SELECT u.id FROM users u
         WHERE u.id > $1 AND EXISTS (SELECT FROM positions h WHERE h.account_id = u.id)
           AND NOT EXISTS (SELECT FROM portfolio_values v
                            WHERE v.user_id = u.id AND v.portfolio_id IS NULL AND v.day = $2)
         ORDER BY u.id LIMIT $3) AS u
  JOIN positions p ON p.account_id = u.id
 ORDER BY p.account_id, p.market_id
"""
_PRUNE: Final = """
DELETE FROM portfolio_values
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM portfolio_values WHERE day < $1 LIMIT $2))
"""


class PastValue(msgspec.Struct, frozen=True):
    """What a portfolio was worth on a day; money in 1/10^8."""

    day: int
    at: int
    positions: int
    unpriced: int
    cost: int
    value: int
    realized_pnl: int


class Noted(msgspec.Struct, frozen=True):
    """What is to be noted of a portfolio, or of what a person holds here: `owner` says whose."""

    owner: int
    positions: int
    unpriced: int
    cost: int
    value: int
    realized_pnl: int


class HeldHere(msgspec.Struct, frozen=True):
    """Shares of a market on the exchange, in its units."""

    account_id: int
    market_id: int
    yes: int
    yes_cost: int
    no: int
    no_cost: int
    realised: int


class PortfolioValues:
    """Reads and writes what portfolios were worth."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def past(
        self, user_id: int, portfolio_id: int | None, before: int, limit: int
    ) -> list[PastValue]:
        """Return a portfolio's days below `before`, newest first."""
        rows = await self._pool.fetch(_PAST, user_id, portfolio_id, before, limit)
        return [_past(row) for row in rows]

    async def to_note(self, after: int, day: int, limit: int) -> list[int]:
        """Return portfolios above the id `after` that a day has nothing of, in that order."""
        rows = await self._pool.fetch(_TO_NOTE, after, day, limit)
        return [row["id"] for row in rows]

    async def here_to_note(self, after: int, day: int, people: int) -> list[HeldHere]:
        """Return what so many people above the id `after` hold here, whom a day has nothing of."""
        rows = await self._pool.fetch(_HERE_TO_NOTE, after, day, people)
        return [HeldHere(*row) for row in rows]

    async def note(self, day: int, at: int, values: Sequence[Noted]) -> None:
        """Write a day's values of portfolios; what is there stays."""
        await self._pool.execute(_NOTE, day, at, *_columns(values))

    async def note_here(self, day: int, at: int, values: Sequence[Noted]) -> None:
        """Write a day's values of what people hold here; what is there stays."""
        await self._pool.execute(_NOTE_HERE, day, at, *_columns(values))

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` values of days before one; return how many those were."""
        return affected(await self._pool.execute(_PRUNE, before, limit))


def _columns(values: Sequence[Noted]) -> tuple[list[int] | list[Decimal], ...]:
    return (
        [one.owner for one in values],
        [one.positions for one in values],
        [one.unpriced for one in values],
        [decimal_of(one.cost, MONEY_PLACES) for one in values],
        [decimal_of(one.value, MONEY_PLACES) for one in values],
        [decimal_of(one.realized_pnl, MONEY_PLACES) for one in values],
    )


def _past(row: Any) -> PastValue:  # noqa: ANN401 - asyncpg's own Record
    day, at, positions, unpriced, *money = row.values()
    cost, value, realized_pnl = (units(amount, MONEY_PLACES) for amount in money)
    return PastValue(day, at, positions, unpriced, cost, value, realized_pnl)
