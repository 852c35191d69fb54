"""The table of daily rewards: a row for each day of a person's, with its intent.

Laws: a person has one of a day; whoever adds one holds the person's row, so of any number that come
at once one adds it. One that the engine refused is tried anew under the next `attempt`, which is
part of its system id. Days are of UTC, amounts money.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.messages.terms import Standing
from persistence.journal.codes import STANDING
from persistence.postgres.database import DeadlinePool, Fetching
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

_COLUMNS: Final = "r.day, r.streak, r.amount, r.attempt, r.intent_id, i.status"
_LATEST: Final = (
    f"SELECT {_COLUMNS} FROM daily_rewards r JOIN money_intents i ON i.id = r.intent_id"  # noqa: S608 - a constant
    " WHERE r.user_id = $1 AND r.day <= $2 ORDER BY r.day DESC LIMIT 2"
)
_PUT: Final = """
INSERT INTO daily_rewards (user_id, day, streak, amount, attempt, intent_id)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_id, day) DO UPDATE
   SET streak = excluded.streak, amount = excluded.amount, attempt = excluded.attempt,
       intent_id = excluded.intent_id
"""
# Locked in the order of their ids, as nobody else locks more than one.
_HOLD_ACTIVE: Final = f"""
SELECT u.id FROM users u JOIN accounts a ON a.id = u.id
 WHERE u.id > $1 AND a.standing = {STANDING[Standing.ACTIVE]}
   AND NOT EXISTS (SELECT FROM daily_rewards r WHERE r.user_id = u.id AND r.day = $2)
   AND (EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id AND s.created_at < $4
                  AND s.seen_at >= $3)
        OR EXISTS (SELECT FROM api_keys k WHERE k.user_id = u.id AND k.created_at < $4
                  AND k.last_used_at >= $3))
 ORDER BY u.id LIMIT $5 FOR NO KEY UPDATE OF u
"""  # noqa: S608 - a constant
# Apart, since a statement sees what was there before it waited for a row.
_FIGURES: Final = """
SELECT a.id, a.available + a.locked AS held,
       (coalesce((SELECT sum(i.amount) FROM money_intents i
                   WHERE i.account_id = a.id AND i.status = 'PENDING'), 0)
        + coalesce((SELECT sum(p.credits) FROM purchases p
                     WHERE p.account_id = a.id AND p.status = 'CHARGING'), 0))::bigint AS to_come,
       (SELECT r.streak FROM daily_rewards r JOIN money_intents i ON i.id = r.intent_id
         WHERE r.user_id = a.id AND r.day = $2::date - 1 AND i.status <> 'REFUSED') AS streak
  FROM accounts a
 WHERE a.id = ANY($1::bigint[])
   AND NOT EXISTS (SELECT FROM daily_rewards r WHERE r.user_id = a.id AND r.day = $2)
 ORDER BY a.id
"""


class Reward(msgspec.Struct, frozen=True):
    """A day's reward; `status` is its intent's."""

    day: date
    streak: int
    amount: int
    attempt: int
    intent_id: int
    status: str

    @property
    def is_refused(self) -> bool:
        """Whether the engine refused it, so that the day is still to be rewarded."""
        return self.status == "REFUSED"


class Active(msgspec.Struct, frozen=True):
    """Somebody to be rewarded: what the account holds and is to be given, and the streak that the
    day before ended with, 0 for none.
    """

    user_id: int
    held: int
    to_come: int
    streak: int


class DailyRewards:
    """Reads and writes rewards."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def latest(
        self, user_id: int, day: date, source: Fetching | None = None
    ) -> tuple[Reward | None, Reward | None]:
        """Return the day's reward if there is one, and the last one before it that wasn't refused.

        With `source`, within its transaction.
        """
        rows = await (source or self._pool).fetch(_LATEST, user_id, day)
        found = [_reward(row) for row in rows]
        today = next((one for one in found if one.day == day), None)
        before = next((one for one in found if one.day < day and not one.is_refused), None)
        return today, before

    @staticmethod
    async def hold(connection: Any, user_id: int) -> None:  # noqa: ANN401 - the pool's
        """Hold a person's row until the transaction ends."""
        await connection.execute(HOLD_OWNER, user_id)

    @staticmethod
    async def put(
        connection: Any,  # noqa: ANN401 - the pool's
        user_id: int,
        day: date,
        streak: int,
        amount: int,
        attempt: int,
        intent_id: int,
    ) -> None:
        """Store a day's reward, in the place of one that was refused."""
        await connection.execute(_PUT, user_id, day, streak, amount, attempt, intent_id)

    @staticmethod
    async def hold_active(
        connection: Any,  # noqa: ANN401 - the pool's
        after: int,
        day: date,
        since: int,
        begun_before: int,
        limit: int,
    ) -> list[int]:
        """Return the ids above `after` of people who were there at or after `since`, by what began
        before `begun_before`, and have no reward of `day`; with their rows held from then on.
        """
        asked = after, day, since, begun_before, limit
        return [row["id"] for row in await connection.fetch(_HOLD_ACTIVE, *asked)]

    @staticmethod
    async def active(
        connection: Any,  # noqa: ANN401 - the pool's
        held: Sequence[int],
        day: date,
    ) -> list[Active]:
        """Return how those stand whose rows are held, less whoever got the reward of `day` while
        they were waited for.
        """
        rows: Iterable[Record] = await connection.fetch(_FIGURES, held, day)
        return [Active(row["id"], row["held"], row["to_come"], row["streak"] or 0) for row in rows]


def _reward(row: "Record") -> Reward:
    return Reward(*row)
