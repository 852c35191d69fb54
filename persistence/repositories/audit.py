"""The audit log: who did what to whom, when, in which request, and what came of it.

Only ever appended to.  No secrets and no personal data: people are numbers here.
"""

from typing import Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from persistence.clock import now_us
from persistence.postgres.database import DeadlinePool


class AuditEntry(msgspec.Struct, frozen=True):
    """One line; `at` in microseconds since the epoch, `actor_id` None for nobody known."""

    id: int
    at: int
    actor_id: int | None
    action: str
    target: str | None
    outcome: str
    request_id: str


class AuditFilter(msgspec.Struct, frozen=True):
    """Which lines are wanted; None matches all. `target` is what a line's target begins with."""

    actor_id: int | None = None
    action: str | None = None
    target: str | None = None
    request_id: str | None = None


_EVERYTHING: Final = AuditFilter()
_WANTED: Final = (
    "FROM audit_log WHERE ($1::bigint IS NULL OR actor_id = $1)"
    " AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR starts_with(target, $3))"
    " AND ($4::text IS NULL OR request_id = $4)"
)
_PAGE: Final = (
    f"SELECT id, at, actor_id, action, target, outcome, request_id {_WANTED}"
    " AND id < $5 ORDER BY id DESC LIMIT $6 OFFSET $7"
)
_COUNT: Final = f"SELECT count(*) {_WANTED}"


class AuditLog:
    """Writes and reads the log."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def write(
        self,
        at: int,
        actor_id: int | None,
        action: str,
        target: str | None,
        outcome: str,
        request_id: str,
    ) -> None:
        """Append one line, e.g. (at, 7, "user.role", "user:9 ADMIN", "ok", request_id)."""
        await self._pool.execute(
            "INSERT INTO audit_log (at, actor_id, action, target, outcome, request_id)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            at,
            actor_id,
            action,
            target,
            outcome,
            request_id,
        )

    async def page(
        self,
        limit: int,
        offset: int = 0,
        before: int | None = None,
        wanted: AuditFilter = _EVERYTHING,
    ) -> tuple[list[AuditEntry], int]:
        """Return lines below the id `before`, newest first, and how many are wanted in all."""
        choice = msgspec.structs.astuple(wanted)
        last = STORED_MAX if before is None else before
        rows = await self._pool.fetch(_PAGE, *choice, last, limit, offset)
        total = await self._pool.fetchval(_COUNT, *choice)
        return [AuditEntry(*row) for row in rows], total


class AuditTrail:
    """The lines that one request leaves, each stamped when it is written."""

    def __init__(self, log: AuditLog, request_id: str) -> None:
        self._log = log
        self._request_id = request_id

    async def note(
        self, actor_id: int | None, action: str, target: str | None, outcome: str
    ) -> None:
        """Append a line of somebody, None for nobody known."""
        await self._log.write(now_us(), actor_id, action, target, outcome, self._request_id)
