"""Questions as a worker takes them through.

    QUEUED ── begin ──> STARTING ── has_run ──> RUNNING ── complete ──> COMPLETED
     | ^                  |  |                     └────── fail ──────> FAILED
     | └──── put_off ─────┘  └── lost ──> UNKNOWN ── fail, or has_run by a message
     └ begin, where the answer is known by now ──> COMPLETED

Laws: what is due is taken with the time at which it is due again, so what a worker that dies leaves
is taken up by the next. STARTING is stored before the service is asked, and its run's id before
anything else is: so one that is found STARTING may have been paid, and is never asked again. Each
step is from one state alone, whoever comes first; what ends one settles what was held for it in the
same transaction, so once. Of those that ask the same one is sent at a time, the one that was asked
first; the others wait for what comes of it: its answer is theirs, for nothing, and where it has
none the next is sent. One whose answer was lost (UNKNOWN) is waited for by nobody.
"""

from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.research.budgets import settle
from persistence.repositories.research.inquiries import AWAITED, FOUND

if TYPE_CHECKING:
    from collections.abc import Collection

_TAKE: Final = """
UPDATE research r SET next_at = $2
  FROM (SELECT id FROM research WHERE next_at <= $1 AND NOT id = ANY($3::bigint[])
         ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED) AS due
 WHERE r.id = due.id
RETURNING r.id, r.status, r.processor, r.format, r.input, r.token, r.run_id, r.tries, r.created_at,
          r.started_at
"""
_STEP: Final = "changed_at = $2, version = version + 1"
ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock($1)"
_QUEUED: Final = "SELECT key, created_at FROM research WHERE id = $1 AND status = 'QUEUED'"
_IS_SENT: Final = (
    "SELECT EXISTS (SELECT FROM research WHERE next_at IS NOT NULL AND key = $1"
    " AND (status IN ('STARTING', 'RUNNING') OR (status = 'QUEUED' AND id < $2)))"
)
_TAKE_KNOWN: Final = (
    "UPDATE research r SET status = 'COMPLETED', next_at = NULL, ended_at = $2, cost = 0,"  # noqa: S608 - constants
    f" is_cached = true, content_type = $3, content = $4, sources = $5, {_STEP}"
    " FROM (SELECT id, cost FROM research WHERE id = $1 AND status = 'QUEUED' FOR UPDATE) held"
    " WHERE r.id = held.id RETURNING r.user_id, r.month, held.cost"
)
_BEGIN: Final = (
    f"UPDATE research SET status = 'STARTING', tries = tries + 1, {_STEP}"  # noqa: S608 - constants
    " WHERE id = $1 AND status = 'QUEUED'"
)
_PUT_OFF: Final = (
    f"UPDATE research SET status = 'QUEUED', next_at = $3, {_STEP}"  # noqa: S608 - constants
    " WHERE id = $1 AND status = 'STARTING' AND run_id IS NULL"
    " RETURNING user_id, month, cost, is_deleted"
)
_HAS_RUN: Final = (
    f"UPDATE research SET status = 'RUNNING', run_id = $3, next_at = $2, started_at = $2, {_STEP}"  # noqa: S608 - constants
    " WHERE {} AND run_id IS NULL AND status IN ('STARTING', 'UNKNOWN')"
)
_LOST: Final = (
    f"UPDATE research SET status = 'UNKNOWN', next_at = $3, {_STEP}"  # noqa: S608 - constants
    " WHERE id = $1 AND status = 'STARTING' AND run_id IS NULL"
)
_PROGRESS: Final = (
    f"UPDATE research SET progress = $3, next_at = $4, {_STEP}"  # noqa: S608 - constants
    " WHERE id = $1 AND status = 'RUNNING'"
)
_COMPLETE: Final = (
    "UPDATE research SET status = 'COMPLETED', next_at = NULL, ended_at = $2, content_type = $3,"  # noqa: S608 - constants
    f" content = $4, sources = $5, {_STEP}"
    " WHERE id = $1 AND status = 'RUNNING' RETURNING user_id, month, cost,"
    f" is_deleted AND NOT {AWAITED}"
)
_FAIL: Final = (
    "UPDATE research SET status = 'FAILED', next_at = NULL, ended_at = $2, error = $3,"  # noqa: S608 - constants
    f" cost = CASE WHEN $4 THEN cost ELSE 0 END, {_STEP}"
    " WHERE id = $1 RETURNING user_id, month, is_deleted"
)
_PRUNE: Final = (
    "DELETE FROM research WHERE id IN"
    " (SELECT id FROM research WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)"
)


class Due(msgspec.Struct, frozen=True):
    """A question that somebody has to go on with."""

    id: int
    status: str
    processor: str
    format: str
    input: str
    token: str
    run_id: str | None
    tries: int
    created_at: int
    started_at: int | None


def lock_of(key: bytes) -> int:
    """Return by which number those that ask the same exclude each other."""
    return int.from_bytes(key[:8], "big", signed=True)


class Begun(Enum):
    """What comes of one that is to be sent."""

    SEND = "send"
    WAIT = "wait"
    """The same is asked already."""
    LATER = "later"
    """Nothing may be sent, and nobody asks the same."""
    OVER = "over"
    """It has its answer, or nobody wants it any more."""


class Answered(msgspec.Struct, frozen=True):
    """What came of one: text or JSON, and its sources as JSON of ours."""

    content_type: str
    content: str
    sources: str


class InquirySteps:
    """Takes questions on; each step says whether it was this one that took it."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def take(self, now: int, again_at: int, busy: "Collection[int]", limit: int) -> list[Due]:
        """Take what is due but `busy` ones, the longest due first; untouched, it is due again at
        `again_at`.
        """
        rows = await self._pool.fetch(_TAKE, now, again_at, list(busy), limit)
        return [Due(*row) for row in rows]

    async def due_at(self, inquiry_id: int, at: int) -> None:
        """Note when one that goes on is due again."""
        await self._pool.execute(
            "UPDATE research SET next_at = $2 WHERE id = $1 AND next_at IS NOT NULL",
            *(inquiry_id, at),
        )

    async def begin(
        self, inquiry_id: int, now: int, known_us: int, *, may_send: bool = True
    ) -> Begun:
        """Store that the service is asked next, if it may be, unless the same is asked already, or
        was answered since it was asked, or up to `known_us` before.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_QUEUED, inquiry_id)
            if row is None:
                return Begun.OVER
            key, created_at = row
            # One at a time of those that ask the same; each statement sees what the last one left.
            await connection.execute(ONE_AT_A_TIME, lock_of(key))
            is_sent = await connection.fetchval(_IS_SENT, key, inquiry_id)
            # Behind that: what ends between the two is found here.
            found = await connection.fetchrow(FOUND, key, created_at - known_us)
            if found is None and is_sent:
                return Begun.WAIT
            if found is None and not may_send:
                return Begun.LATER
            if found is None:
                done = await connection.execute(_BEGIN, inquiry_id, now)
                return Begun.SEND if affected(done) == 1 else Begun.OVER
            taken = await connection.fetchrow(_TAKE_KNOWN, inquiry_id, now, *found)
            if taken is not None:
                await settle(connection, *taken, spent=0)
        return Begun.OVER

    async def put_off(self, inquiry_id: int, now: int, until: int) -> bool:
        """Note that the service was asked for certain in vain, and when it is asked again: never,
        of one that was deleted meanwhile.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_PUT_OFF, inquiry_id, now, until)
            if row is None:
                return False
            user_id, month, held, is_deleted = row
            if is_deleted:
                await settle(connection, user_id, month, held, spent=0)
                await connection.execute("DELETE FROM research WHERE id = $1", inquiry_id)
        return True

    async def has_run(self, inquiry_id: int, now: int, run_id: str) -> bool:
        """Store what the service calls its run."""
        query = _HAS_RUN.format("id = $1")
        return affected(await self._pool.execute(query, inquiry_id, now, run_id)) == 1

    async def lost(self, inquiry_id: int, now: int, until: int) -> bool:
        """Note that nobody knows whether the service took it; and until when it may yet say so."""
        return affected(await self._pool.execute(_LOST, inquiry_id, now, until)) == 1

    async def progress(self, inquiry_id: int, now: int, progress: str, again_at: int) -> bool:
        """Store how far it is; it stays in the same hands until `again_at`."""
        done = await self._pool.execute(_PROGRESS, inquiry_id, now, progress, again_at)
        return affected(done) == 1

    async def complete(self, inquiry_id: int, now: int, answer: Answered) -> bool:
        """Store what came of it, and spend what was held."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                _COMPLETE, inquiry_id, now, *msgspec.structs.astuple(answer)
            )
            if row is None:
                return False
            user_id, month, cost, is_unwanted = row
            await settle(connection, user_id, month, cost, spent=cost)
            if is_unwanted:
                await connection.execute("DELETE FROM research WHERE id = $1", inquiry_id)
        return True

    async def fail(
        self, inquiry_id: int, status: str, now: int, error: str, *, is_paid: bool
    ) -> bool:
        """End one that is still in the state in which that was found out, without an answer; what
        was held is spent where it may have been paid.
        """
        async with self._pool.transaction() as connection:
            held = await connection.fetchval(
                "SELECT cost FROM research WHERE id = $1 AND status = $2 AND next_at IS NOT NULL"
                " FOR UPDATE",
                *(inquiry_id, status),
            )
            if held is None:
                return False
            row = await connection.fetchrow(_FAIL, inquiry_id, now, error, is_paid)
            if row is None:
                raise TypeError("an UPDATE of a row that is held changed none")
            user_id, month, is_deleted = row
            await settle(connection, user_id, month, held, spent=held if is_paid else 0)
            if is_deleted:
                await connection.execute("DELETE FROM research WHERE id = $1", inquiry_id)
        return True

    # -- what the service says by itself ------------------------------------------------------

    async def was_heard(self, message_id: str) -> bool:
        """Say whether a message was heeded before."""
        return bool(
            await self._pool.fetchval(
                "SELECT EXISTS (SELECT FROM research_messages WHERE id = $1)", message_id
            )
        )

    async def note_message(self, message_id: str, now: int) -> None:
        """Note that a message was heeded."""
        await self._pool.execute(
            "INSERT INTO research_messages (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            *(message_id, now),
        )

    async def told(self, run_id: str, token: str, now: int) -> bool:
        """Take what the service says of a run: one that we don't know yet becomes the run of its
        token, one that we follow is looked at at once. Say whether it was any of ours.
        """
        done = await self._pool.execute(
            "UPDATE research SET next_at = least(next_at, $2)"
            " WHERE run_id = $1 AND status = 'RUNNING'",
            *(run_id, now),
        )
        if affected(done) == 1:
            return True
        query = _HAS_RUN.format("token = $1")
        return affected(await self._pool.execute(query, token, now, run_id)) == 1

    async def prune(self, before: int, messages_before: int, unseen_before: int, limit: int) -> int:
        """Delete at most `limit` that ended before a time, and old messages; return how many. What
        was deleted and kept for those that waited for its answer goes, too.
        """
        done = await self._pool.execute(_PRUNE, before, limit)
        await self._pool.execute(
            "DELETE FROM research WHERE is_deleted AND ended_at < $1", unseen_before
        )
        await self._pool.execute("DELETE FROM research_messages WHERE at < $1", messages_before)
        return affected(done)
