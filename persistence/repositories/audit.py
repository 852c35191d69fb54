"""The audit log: who did what to whom, when, in which request, and what came of it.

Only ever appended to.  No secrets and no personal data: people are numbers here.
"""

import msgspec

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

    async def page(self, limit: int, offset: int) -> tuple[list[AuditEntry], int]:
        """Return lines, newest first, and how many there are."""
        rows = await self._pool.fetch(
            "SELECT id, at, actor_id, action, target, outcome, request_id"
            " FROM audit_log ORDER BY id DESC LIMIT $1 OFFSET $2",
            limit,
            offset,
        )
        total = await self._pool.fetchval("SELECT count(*) FROM audit_log")
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
