"""Questions as their owners ask, list, read and delete them.

Laws: who asks holds the owner's row, so of any number that come under one request id one is stored,
and no more are under way, or kept, than may be. What is stored has its cost held from the month's
budget; one whose answer is known costs nothing. One that runs can't be stopped at the service:
deleted, it is shown no more and goes when it has ended, since it is paid all the same, or later
where others wait for its answer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import BoundReached
from persistence.postgres.database import DeadlinePool
from persistence.repositories.research.budgets import (
    MonthlyBounds,
    MonthlyBudget,
    budget_of,
    hold,
    pay,
    pay_back,
    settle,
)
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

UNDER_WAY: Final = ("QUEUED", "STARTING", "RUNNING", "UNKNOWN")
_LINE: Final = (
    "id, user_id, request_id, query, platform, external_id, processor, format, input, status, cost,"
    " is_cached, progress, error, created_at, started_at, ended_at, changed_at, version"
)
_WHOLE: Final = f"{_LINE}, content_type, content, sources"
_OWN: Final = "user_id = $1 AND NOT is_deleted"
_PAGE: Final = (
    f"SELECT {_LINE} FROM research WHERE {_OWN} AND id < $2"  # noqa: S608 - constants
    " AND ($3::text IS NULL OR status = $3)"
    " AND ($4::text IS NULL OR (platform = $4 AND external_id = $5)) ORDER BY id DESC LIMIT $6"
)
_ADD: Final = (
    "INSERT INTO research (user_id, request_id, query, platform, external_id, processor, format,"  # noqa: S608 - constants
    " input, key, token, status, cost, month, is_cached, next_at, content_type, content, sources,"
    " created_at, started_at, ended_at, changed_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
    f" $19, $20, $21, $19) RETURNING {_WHOLE}"
)
FOUND: Final = (
    "SELECT content_type, content, sources FROM research WHERE key = $1 AND status = 'COMPLETED'"
    " AND NOT is_cached AND ended_at >= $2 ORDER BY ended_at DESC LIMIT 1"
)
"""What came of a key since a time."""
AWAITED: Final = (
    "EXISTS (SELECT FROM research other WHERE other.key = research.key"
    " AND other.status = 'QUEUED' AND other.next_at IS NOT NULL)"
)
"""Whether somebody waits for what comes of the same question."""
_HELD: Final = (
    f"SELECT status, month, cost, NOT is_cached AND {AWAITED} FROM research"  # noqa: S608 - constants
    f" WHERE {_OWN} AND id = $2 FOR UPDATE"
)
_CHANGED: Final = (
    f"SELECT {_LINE} FROM research WHERE (changed_at, id) > ($1, $2) AND NOT is_deleted"  # noqa: S608 - constants
    " ORDER BY changed_at, id LIMIT $3"
)


class BudgetUsedUp(Exception):
    """One of the month's budgets has less left than something costs."""

    def __init__(self, standing: MonthlyBudget) -> None:
        super().__init__("the budget is used up")
        self.standing = standing


class _NoRoom(Exception):
    """What something costs doesn't fit."""


class TooManyKept(Exception):
    """Somebody has as many questions as one may have."""


class NewInquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked; `input` is what is sent, `key` what same questions share, `token` its own."""

    user_id: int
    request_id: str | None
    query: str
    platform: str | None
    external_id: str | None
    processor: str
    format: str
    input: str
    key: bytes
    token: str
    cost: int
    month: int


class InquiryLine(msgspec.Struct, frozen=True):
    """A question as it stands; `progress` is JSON of ours."""

    id: int
    user_id: int
    request_id: str | None
    query: str
    platform: str | None
    external_id: str | None
    processor: str
    format: str
    input: str
    status: str
    cost: int
    is_cached: bool
    progress: str
    error: str | None
    created_at: int
    started_at: int | None
    ended_at: int | None
    changed_at: int
    version: int

    def is_same(self, other: NewInquiry) -> bool:
        """Whether somebody who asks `other` asks this again."""
        return (self.input, self.processor, self.format) == (
            other.input,
            other.processor,
            other.format,
        )


class Inquiry(InquiryLine, frozen=True):
    """A question with its answer; `sources` is JSON of ours."""

    content_type: str | None
    content: str | None
    sources: str | None


class Bounds(msgspec.Struct, frozen=True):
    """What a person may have: so many under way, so much a month (1/100 cent), so many in all."""

    under_way: int
    budget: MonthlyBounds
    kept: int


class Inquiries:
    """Reads and writes questions."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def ask(self, new: NewInquiry, bounds: Bounds, now: int, known_since: int) -> Inquiry:
        """Store a question, its cost held; or the one that was stored under its request id.

        An answer to the same question that is no older than `known_since` is taken, for nothing.

        Raises TooManyKept, BoundReached for too many under way, BudgetUsedUp.
        """
        try:
            return await self._stored(new, bounds, now, known_since)
        except _NoRoom:
            # Read once nothing of this is held any more.
            raise BudgetUsedUp(await self.budget(new.user_id, new.month)) from None

    async def _stored(self, new: NewInquiry, bounds: Bounds, now: int, known_since: int) -> Inquiry:
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, new.user_id)
            if new.request_id is not None:
                row = await connection.fetchrow(
                    f"SELECT {_WHOLE} FROM research WHERE user_id = $1 AND request_id = $2",  # noqa: S608 - constants
                    *(new.user_id, new.request_id),
                )
                if row is not None:
                    return Inquiry(*row)
            kept = await connection.fetchval(
                f"SELECT count(*) FROM research WHERE {_OWN}",  # noqa: S608 - constants
                new.user_id,
            )
            if kept >= bounds.kept:
                raise TooManyKept
            found = await connection.fetchrow(FOUND, new.key, known_since)
            if found is not None:
                # Its own row, so that deleting one takes nothing from another.
                values = _values(new, "COMPLETED", 0, now, tuple(found))
                return _inquiry(await connection.fetchrow(_ADD, *values))
            count = await connection.fetchval(
                "SELECT count(*) FROM research WHERE user_id = $1 AND next_at IS NOT NULL",
                new.user_id,
            )
            if count >= bounds.under_way:
                raise BoundReached
            try:
                await hold(connection, new.user_id, new.month, new.cost, bounds.budget)
            except BoundReached:
                raise _NoRoom from None
            values = _values(new, "QUEUED", new.cost, now, None)
            return _inquiry(await connection.fetchrow(_ADD, *values))

    async def page(
        self,
        user_id: int,
        before: int,
        limit: int,
        status: str | None,
        market: tuple[str, str] | None,
    ) -> list[InquiryLine]:
        """Return a person's questions below the id `before`, newest first."""
        platform, external_id = market or (None, None)
        rows = await self._pool.fetch(_PAGE, user_id, before, status, platform, external_id, limit)
        return [InquiryLine(*row) for row in rows]

    async def get(self, user_id: int, inquiry_id: int) -> Inquiry | None:
        """Return a question with its answer."""
        row = await self._pool.fetchrow(
            f"SELECT {_WHOLE} FROM research WHERE {_OWN} AND id = $2",  # noqa: S608 - constants
            *(user_id, inquiry_id),
        )
        return None if row is None else Inquiry(*row)

    async def delete(self, user_id: int, inquiry_id: int, now: int) -> bool:
        """Delete a question; say whether there was one. What wasn't sent is released."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_HELD, user_id, inquiry_id)
            if row is None:
                return False
            status, month, cost, is_awaited = row
            is_sent = status in UNDER_WAY and status != "QUEUED"
            if is_sent or (status == "COMPLETED" and is_awaited):
                await connection.execute(
                    "UPDATE research SET is_deleted = true, request_id = NULL, changed_at = $2,"
                    " version = version + 1 WHERE id = $1",
                    *(inquiry_id, now),
                )
                return True
            if status == "QUEUED":
                await settle(connection, user_id, month, cost, spent=0)
            await connection.execute("DELETE FROM research WHERE id = $1", inquiry_id)
        return True

    async def changed(self, after: tuple[int, int], limit: int) -> Sequence[InquiryLine]:
        """Return what was changed behind a (time, id), by these; the first `limit` of it."""
        return [InquiryLine(*row) for row in await self._pool.fetch(_CHANGED, *after, limit)]

    # -- budgets ------------------------------------------------------------------------------

    async def budget(self, user_id: int, month: int) -> MonthlyBudget:
        """Return how a person's month stands."""
        return await budget_of(self._pool, user_id, month)

    async def pay(self, user_id: int, month: int, amount: int, budget: MonthlyBounds) -> None:
        """Pay for something at once; raises BudgetUsedUp."""
        try:
            async with self._pool.transaction() as connection:
                await pay(connection, user_id, month, amount, budget)
        except BoundReached:
            raise BudgetUsedUp(await self.budget(user_id, month)) from None

    async def pay_back(self, user_id: int, month: int, amount: int) -> None:
        """Take back what was paid for nothing."""
        async with self._pool.transaction() as connection:
            await pay_back(connection, user_id, month, amount)


def _values(
    new: NewInquiry, status: str, cost: int, now: int, found: tuple[str, str, str] | None
) -> tuple[object, ...]:
    is_known = found is not None
    return (
        new.user_id,
        new.request_id,
        new.query,
        new.platform,
        new.external_id,
        new.processor,
        new.format,
        new.input,
        new.key,
        new.token,
        status,
        cost,
        new.month,
        is_known,
        None if is_known else now,
        *(found or (None, None, None)),
        now,
        now if is_known else None,
        now if is_known else None,
    )


def _inquiry(row: "Record | None") -> Inquiry:
    if row is None:
        raise TypeError("an INSERT ... RETURNING gave no row")
    return Inquiry(*row)
