"""The tables of backtests: what people asked for, how far it is, and what came of it.

Laws: whatever is asked for is asked for with its owner. Bounds hold exactly, also for requests that
race; of any number that come under one request id one is stored. One person has one run at a time.
Whoever runs one has a number (`tries`), and nothing that is written for another number, or for one
that was cancelled or deleted meanwhile, is taken: a run that was left by its process is begun anew,
and ends once. Its fills come and go with it.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import BoundReached
from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

QUEUED, RUNNING, DONE = "QUEUED", "RUNNING", "DONE"
FAILED, CANCELLED = "FAILED", "CANCELLED"
TRIES_MAX: Final = 3
"""A run that takes its process with it so often has failed."""
LEFT: Final = "it was left by its process, again and again"
_WAIT_IN_LINE: Final = 0x6261636B  # "back", for the lock of whoever adds one
_COLUMNS: Final = (
    "id, user_id, strategy, plan, status, tries, version, progress, events, error, created_at,"
    " started_at, ended_at, request_id"
)
_INSERT: Final = f"""
INSERT INTO backtest_results (user_id, strategy, plan, created_at, request_id)
VALUES ($1, $2, $3, $4, $5)
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
_ASKED: Final = f"""
SELECT {_COLUMNS} FROM backtest_results WHERE user_id = $1 AND request_id = $2
"""  # noqa: S608 - constants
_PAGE: Final = f"""
SELECT {_COLUMNS} FROM backtest_results
 WHERE user_id = $1 AND id < $2 AND ($3::text IS NULL OR strategy = $3)
   AND ($4::text IS NULL OR status = $4)
 ORDER BY id DESC LIMIT $5 OFFSET $6
"""  # noqa: S608 - constants
_COUNT: Final = """
SELECT count(*) FROM backtest_results
 WHERE user_id = $1 AND ($2::text IS NULL OR strategy = $2) AND ($3::text IS NULL OR status = $3)
"""
_ONE: Final = f"""
SELECT {_COLUMNS}, result FROM backtest_results WHERE user_id = $1 AND id = $2
"""  # noqa: S608 - constants
_CANCEL: Final = f"""
UPDATE backtest_results SET status = 'CANCELLED', ended_at = $3, version = version + 1
 WHERE user_id = $1 AND id = $2 AND status IN ('QUEUED', 'RUNNING')
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
# The oldest of somebody who has none under way.
_CLAIM: Final = f"""
UPDATE backtest_results
   SET status = 'RUNNING', tries = tries + 1, version = version + 1, started_at = $1, heard_at = $1,
       progress = 0, events = 0
 WHERE id = (SELECT id FROM backtest_results q
              WHERE status = 'QUEUED'
                AND NOT EXISTS (SELECT FROM backtest_results r
                                 WHERE r.user_id = q.user_id AND r.status = 'RUNNING')
              ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
_IS_IT_THERE: Final = " WHERE id = $1 AND tries = $2 AND status = 'RUNNING'"
_PROGRESS: Final = f"""
UPDATE backtest_results
   SET heard_at = $3, events = $5, progress = $4,
       version = version + CASE WHEN (events, progress) = ($5, $4) THEN 0 ELSE 1 END
 {_IS_IT_THERE}
"""  # noqa: S608 - constants
_END: Final = f"""
UPDATE backtest_results
   SET status = 'DONE', result = $3, progress = 10000, events = $4, ended_at = $5,
       version = version + 1
 {_IS_IT_THERE}
"""  # noqa: S608 - constants
_FAIL: Final = f"""
UPDATE backtest_results SET status = 'FAILED', error = $3, ended_at = $4, version = version + 1
 {_IS_IT_THERE}
"""  # noqa: S608 - constants
_GIVE_BACK: Final = f"""
UPDATE backtest_results SET status = 'QUEUED', tries = tries - 1, version = version + 1
 {_IS_IT_THERE}
"""  # noqa: S608 - constants
_RESCUE: Final = """
UPDATE backtest_results
   SET status = CASE WHEN tries < $2 THEN 'QUEUED' ELSE 'FAILED' END,
       error = CASE WHEN tries < $2 THEN NULL ELSE $3 END,
       ended_at = CASE WHEN tries < $2 THEN NULL ELSE $4::bigint END,
       version = version + 1
 WHERE status = 'RUNNING' AND heard_at < $1
"""
_THEIRS: Final = f"SELECT {_COLUMNS} FROM backtest_results WHERE user_id = ANY($1::bigint[])"  # noqa: S608 - constants
# Each part by an index of its own: it is asked every second for everybody who listens.
LATEST: Final = f"""
SELECT {_COLUMNS}
  FROM ({_THEIRS} AND status = 'QUEUED'
        UNION ALL {_THEIRS} AND status = 'RUNNING'
        UNION ALL {_THEIRS} AND ended_at >= $2) found
 ORDER BY id DESC LIMIT $3
"""  # noqa: S608 - constants
_EXECUTIONS: Final = """
SELECT at, market, order_no, side, price, quantity, fee, is_maker
  FROM backtest_executions WHERE backtest_id = $1 ORDER BY number
"""


class QueueFull(Exception):
    """So many backtests wait in all that no more are taken."""


class TooManyWait(Exception):
    """So many of somebody's backtests wait that no more of theirs are taken."""


class Backtest(msgspec.Struct, frozen=True):
    """A row without what came of it; `plan` is JSON, `progress` in 1/10 000."""

    id: int
    user_id: int
    strategy: str
    plan: str
    status: str
    tries: int
    version: int
    progress: int
    events: int
    error: str | None
    created_at: int
    started_at: int | None
    ended_at: int | None
    request_id: str | None = None


class Execution(msgspec.Struct, frozen=True, gc=False):
    """A fill: in the units of the exchange, prices of YES."""

    at: int
    market: str
    order_no: int
    side: str
    price: int
    quantity: int
    fee: int
    is_maker: bool


class Backtests:
    """Reads and writes them."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def create(
        self,
        user_id: int,
        strategy: str,
        plan: str,
        at: int,
        *,
        most: int,
        waiting_most: int,
        waiting_of_one: int,
        request_id: str | None = None,
    ) -> Backtest:
        """Put one at the end of the line, or return the one of this request id, whatever its plan.

        Raises BoundReached if its owner has `most` of them, TooManyWait if `waiting_of_one` of
        those wait, QueueFull if `waiting_most` do in all.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            if request_id is not None:
                there = await connection.fetchrow(_ASKED, user_id, request_id)
                if there is not None:
                    return _backtest(there)
            count = "SELECT count(*) FROM backtest_results WHERE "
            if await connection.fetchval(f"{count} user_id = $1", user_id) >= most:
                raise BoundReached
            waiting = f"{count} user_id = $1 AND status = 'QUEUED'"
            if await connection.fetchval(waiting, user_id) >= waiting_of_one:
                raise TooManyWait
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _WAIT_IN_LINE)
            if await connection.fetchval(f"{count} status = 'QUEUED'") >= waiting_most:
                raise QueueFull
            row = await connection.fetchrow(_INSERT, user_id, strategy, plan, at, request_id)
        return _backtest(row)

    async def page(
        self,
        user_id: int,
        limit: int,
        offset: int,
        before: int,
        *,
        strategy: str | None,
        status: str | None,
    ) -> tuple[list[Backtest], int]:
        """Return those below the id `before`, newest first, and how many there are in all."""
        asked = user_id, before, strategy, status, limit, offset
        rows = await self._pool.fetch(_PAGE, *asked)
        total = await self._pool.fetchval(_COUNT, user_id, strategy, status)
        return [Backtest(*row) for row in rows], total

    async def get(self, user_id: int, number: int) -> tuple[Backtest, str | None] | None:
        """Return one, and what came of it as JSON."""
        row = await self._pool.fetchrow(_ONE, user_id, number)
        if row is None:
            return None
        *known, result = row
        return Backtest(*known), result

    async def executions(self, number: int) -> list[Execution]:
        """Return the fills of one, in their order; whose it is has been asked before."""
        rows = await self._pool.fetch(_EXECUTIONS, number)
        return [Execution(*row) for row in rows]

    async def cancel(self, user_id: int, number: int, at: int) -> Backtest | None:
        """End one that waits or runs; whoever runs it hears of it when it says how far it is."""
        row = await self._pool.fetchrow(_CANCEL, user_id, number, at)
        return None if row is None else Backtest(*row)

    async def delete(self, user_id: int, number: int) -> bool:
        """Delete one with its fills; say whether there was one."""
        done = await self._pool.execute(
            "DELETE FROM backtest_results WHERE user_id = $1 AND id = $2", user_id, number
        )
        return affected(done) == 1

    # What whoever runs them asks.

    async def claim(self, at: int) -> Backtest | None:
        """Return the next one to run, which is now under way."""
        row = await self._pool.fetchrow(_CLAIM, at)
        return None if row is None else Backtest(*row)

    async def note(self, run: Backtest, at: int, progress: int, events: int) -> bool:
        """Note how far a run is; False if it is to go no further."""
        done = await self._pool.execute(_PROGRESS, run.id, run.tries, at, progress, events)
        return affected(done) == 1

    async def end(
        self, run: Backtest, result: str, events: int, fills: Sequence[Execution], at: int
    ) -> bool:
        """Store what came of a run; False if nobody waits for it any more."""
        async with self._pool.transaction() as connection:
            done = await connection.execute(_END, run.id, run.tries, result, events, at)
            if affected(done) == 0:
                return False
            await connection.copy_records_to_table(
                "backtest_executions",
                records=[
                    (run.id, number, *msgspec.structs.astuple(fill))
                    for number, fill in enumerate(fills, 1)
                ],
            )
        return True

    async def fail(self, run: Backtest, error: str, at: int) -> None:
        """Store why a run failed."""
        await self._pool.execute(_FAIL, run.id, run.tries, error, at)

    async def give_back(self, run: Backtest) -> None:
        """Put a run back whose process ends, which costs it no try."""
        await self._pool.execute(_GIVE_BACK, run.id, run.tries)

    async def rescue(self, unheard_since: int, at: int) -> int:
        """Put those back, or fail those that had all their tries, of which nobody has said anything
        since a time; return how many those were.
        """
        return affected(await self._pool.execute(_RESCUE, unheard_since, TRIES_MAX, LEFT, at))

    async def latest(
        self, user_ids: Collection[int], ended_since: int, limit: int
    ) -> list[Backtest]:
        """Return those of these people that wait or run, or ended since a time, newest first."""
        rows: list[Record] = await self._pool.fetch(LATEST, list(user_ids), ended_since, limit)
        return [Backtest(*row) for row in rows]


def _backtest(row: "Record | None") -> Backtest:
    if row is None:
        raise TypeError("an INSERT ... RETURNING gave no row")
    return Backtest(*row)
