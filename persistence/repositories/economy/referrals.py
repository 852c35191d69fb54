"""The tables of referrals: the code by which somebody invites, and who came by it.

Laws: a person is invited once, when new, by somebody who was there before, so nobody invites
themselves and no circle closes; a referral is rewarded once, by whoever holds its row first. Times
are microseconds since the epoch.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.clock import MICROSECONDS
from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

NEW_US: Final = 900 * MICROSECONDS
"""For so long somebody is new."""
_CODE: Final = (
    "INSERT INTO referral_codes (user_id, code) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING"
)
_ADD: Final = f"""
INSERT INTO referrals (invited_id, inviter_id, created_at)
SELECT u.id, i.id, {NOW} FROM users u, users i
 WHERE u.id = $1 AND i.id = $2 AND i.id < u.id AND u.created_at > {NOW} - {NEW_US}
   AND NOT EXISTS (SELECT FROM orders o WHERE o.account_id = u.id)
    ON CONFLICT (invited_id) DO NOTHING
"""  # noqa: S608 - constants
# Looked through in the order of their ids, a bounded number at a time.
_WAITING: Final = """
SELECT w.invited_id, EXISTS (SELECT FROM orders o WHERE o.account_id = w.invited_id) AS is_due
  FROM (SELECT invited_id FROM referrals WHERE rewarded_at IS NULL AND invited_id > $1
         ORDER BY invited_id LIMIT $2) AS w
 ORDER BY w.invited_id
"""
_REWARDED: Final = """
UPDATE referrals SET rewarded_at = $2, inviter_intent = $3, invited_intent = $4, inviter_note = $5,
       invited_note = $6
 WHERE invited_id = $1
"""
_COUNTS: Final = """
SELECT count(*) AS invited, count(r.rewarded_at) AS rewarded,
       coalesce(sum(i.amount) FILTER (WHERE i.status = 'DONE'), 0)::bigint AS earned
  FROM referrals r LEFT JOIN money_intents i ON i.id = r.inviter_intent
 WHERE r.inviter_id = $1
"""
_GIVEN: Final = """
SELECT count(*) FROM money_intents
 WHERE account_id = $1 AND kind = 'REFERRAL' AND status <> 'REFUSED'
   AND system_id <> 'referral:' || $1::bigint || ':' || $1::bigint
"""
_LIST: Final = """
SELECT r.invited_id, r.created_at, r.rewarded_at, coalesce(r.inviter_note, i.reason), i.amount,
       i.status
  FROM referrals r LEFT JOIN money_intents i ON i.id = r.inviter_intent
 WHERE r.inviter_id = $1 AND r.invited_id < $2 ORDER BY r.invited_id DESC LIMIT $3
"""


class Invited(msgspec.Struct, frozen=True):
    """Somebody who came by one's code; `amount` and `status` are the intent's, None without one.

    `note` says why nothing was given: there is no intent, or the engine refused it.
    """

    invited_id: int
    created_at: int
    rewarded_at: int | None
    note: str | None
    amount: int | None
    status: str | None


class Counts(msgspec.Struct, frozen=True):
    """How many one has invited, how many of them were rewarded, and what one was given (money)."""

    invited: int
    rewarded: int
    earned: int


class Referrals:
    """Reads and writes referrals."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def code_of(self, user_id: int, proposed: str) -> str:
        """Return somebody's code, which is the proposed one if there was none.

        Raises asyncpg.UniqueViolationError if the proposed one is somebody else's.
        """
        await self._pool.execute(_CODE, user_id, proposed)
        code: str = await self._pool.fetchval(
            "SELECT code FROM referral_codes WHERE user_id = $1", user_id
        )
        return code

    async def inviter_of(self, code: str) -> int | None:
        """Return whose code it is; None if it is nobody's."""
        user_id: int | None = await self._pool.fetchval(
            "SELECT user_id FROM referral_codes WHERE code = $1", code
        )
        return user_id

    async def add(self, invited_id: int, inviter_id: int) -> bool:
        """Note who invited somebody, if they are new; say whether they are."""
        return affected(await self._pool.execute(_ADD, invited_id, inviter_id)) == 1

    async def waiting(self, after: int, limit: int) -> tuple[list[int], int | None]:
        """Look through at most `limit` of the invited above the id `after`; return those who have
        placed an order, and where to go on, None at the end.
        """
        rows = await self._pool.fetch(_WAITING, after, limit)
        due = [row["invited_id"] for row in rows if row["is_due"]]
        return due, rows[-1]["invited_id"] if len(rows) == limit else None

    @staticmethod
    async def hold(connection: Any, invited_id: int) -> int | None:  # noqa: ANN401 - the pool's
        """Hold a referral that isn't rewarded, and the rows of both people, until the transaction
        ends; return the inviter, None if there is nothing to reward.
        """
        inviter_id: int | None = await connection.fetchval(
            "SELECT inviter_id FROM referrals WHERE invited_id = $1", invited_id
        )
        if inviter_id is None:
            return None
        # In the order of their ids, as whoever else holds several people does.
        await connection.execute(HOLD_OWNER, inviter_id)
        await connection.execute(HOLD_OWNER, invited_id)
        held: int | None = await connection.fetchval(
            "SELECT inviter_id FROM referrals WHERE invited_id = $1 AND rewarded_at IS NULL"
            " FOR UPDATE",
            invited_id,
        )
        return held

    async def given_to(self, inviter_id: int, source: Fetching | None = None) -> int:
        """Return for how many referrals somebody was given a bonus, those of people included who
        are gone; with `source`, within its transaction.
        """
        count: int = await (source or self._pool).fetchval(_GIVEN, inviter_id)
        return count

    @staticmethod
    async def reward(
        connection: Any,  # noqa: ANN401 - the pool's
        invited_id: int,
        at: int,
        intents: tuple[int | None, int | None],
        notes: tuple[str | None, str | None],
    ) -> None:
        """Note the intents of the inviter and the invited, and why there is none."""
        await connection.execute(_REWARDED, invited_id, at, *intents, *notes)

    async def counts(self, inviter_id: int) -> Counts:
        """Sum up what one's invitations came to."""
        row = await self._pool.fetchrow(_COUNTS, inviter_id)
        return Counts(0, 0, 0) if row is None else Counts(*row)

    async def page(self, inviter_id: int, before: int, limit: int) -> list[Invited]:
        """Return those below the id `before` who came by one's code, newest first."""
        rows = await self._pool.fetch(_LIST, inviter_id, before, limit)
        return [_invited(row) for row in rows]


def _invited(row: "Record") -> Invited:
    return Invited(*row)
