"""The audit log: who did what to whom, when, in which request, and what came of it.

Laws: only ever appended to, which the database itself sees to; no secrets and no personal data:
people are numbers here. Each line holds the hash of the one before (`migrations/versions/
0036_audit_chain.py` says of what), and `persistence.proof.audit_chain` looks whether all are there
as they were written. As the chain is one for all processes, a line waits for whoever writes just
now: lines of a process that come meanwhile are written together, in one short transaction, and no
order waits for any of them.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import msgspec

from exchange.messages.bounds import STORED_MAX
from persistence.clock import now_us
from persistence.errors import DatabaseUnavailable
from persistence.postgres.database import OUTAGES, DeadlinePool

AT_ONCE: Final = 100
"""Lines of one transaction."""
WAITING_MAX: Final = 5_000
"""Lines of a process that wait; one more is refused, as if the database were away."""
PIECE_LINES: Final = 500


class AuditEntry(msgspec.Struct, frozen=True):
    """One line; `at` in microseconds since the epoch, `actor_id` None for nobody known."""

    id: int
    at: int
    actor_id: int | None
    action: str
    target: str | None
    outcome: str
    request_id: str
    previous_hash: bytes
    hash: bytes


class AuditFilter(msgspec.Struct, frozen=True):
    """Which lines are wanted; None matches all. `target` is what a line's target begins with, the
    times (microseconds since the epoch) are both included.
    """

    actor_id: int | None = None
    action: str | None = None
    target: str | None = None
    request_id: str | None = None
    outcome: str | None = None
    since: int | None = None
    until: int | None = None


class AuditLine(NamedTuple):
    """What is written."""

    at: int
    actor_id: int | None
    action: str
    target: str | None
    outcome: str
    request_id: str


_EVERYTHING: Final = AuditFilter()
_WANTED: Final = (
    "FROM audit_log WHERE ($1::bigint IS NULL OR actor_id = $1)"
    " AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR starts_with(target, $3))"
    " AND ($4::text IS NULL OR request_id = $4) AND ($5::text IS NULL OR outcome = $5)"
    " AND ($6::bigint IS NULL OR at >= $6) AND ($7::bigint IS NULL OR at <= $7)"
)
_LINES: Final = "SELECT id, at, actor_id, action, target, outcome, request_id, previous_hash, hash "
_PAGE: Final = f"{_LINES}{_WANTED} AND id < $8 ORDER BY id DESC LIMIT $9 OFFSET $10"
_PIECE: Final = f"{_LINES}{_WANTED} AND id > $8 AND id <= $9 ORDER BY id LIMIT $10"
_COUNT: Final = f"SELECT count(*) {_WANTED}"
_ABOUT: Final = (
    f"{_LINES} FROM audit_log WHERE split_part(target, ' ', 1) = $1 ORDER BY id DESC LIMIT $2"
)
# In the order of the arrays, which is that of the chain.
_APPEND: Final = """
INSERT INTO audit_log (at, actor_id, action, target, outcome, request_id)
SELECT at, actor_id, action, target, outcome, request_id
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
       WITH ORDINALITY AS line (at, actor_id, action, target, outcome, request_id, place)
 ORDER BY place
"""


class AuditLog:
    """Writes and reads the log; one per process."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool
        self._waiting: list[tuple[AuditLine, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(
        self,
        at: int,
        actor_id: int | None,
        action: str,
        target: str | None,
        outcome: str,
        request_id: str,
    ) -> None:
        """Append one line, e.g. (at, 7, "user.role", "user:9 ADMIN", "ok", request_id).

        It is stored when this returns; raises one of OUTAGES if it may not be.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise DatabaseUnavailable("too many lines wait for the audit log")
        written = asyncio.get_running_loop().create_future()
        line = AuditLine(at, actor_id, action, target, outcome, request_id)
        self._waiting.append((line, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await written

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._append(batch)
            except OUTAGES as outage:
                _fail(batch, outage)
            except Exception:  # noqa: BLE001 - one line is bad; whose it is, hears what is wrong
                await self._append_each(batch)

    async def _append_each(self, batch: list[tuple[AuditLine, asyncio.Future[None]]]) -> None:
        """Append lines one by one, so that a bad one spoils no other."""
        for one in batch:
            try:
                await self._append([one])
            except Exception as error:  # noqa: BLE001 - raised where the line was written
                _fail([one], error)

    async def _append(self, batch: list[tuple[AuditLine, asyncio.Future[None]]]) -> None:
        columns = zip(*(line for line, _ in batch), strict=True)
        await self._pool.execute(_APPEND, *(list(column) for column in columns))
        for _, written in batch:
            if not written.done():
                written.set_result(None)

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

    async def pieces(self, wanted: AuditFilter = _EVERYTHING) -> AsyncIterator[list[AuditEntry]]:
        """Yield the wanted lines as far as there are any now, oldest first, in bounded pieces."""
        choice = msgspec.structs.astuple(wanted)
        last, end = 0, (await self.head())[0]
        while True:
            rows = await self._pool.fetch(_PIECE, *choice, last, end, PIECE_LINES)
            if rows:
                yield [AuditEntry(*row) for row in rows]
                last = rows[-1]["id"]
            if len(rows) < PIECE_LINES:
                return

    async def about(self, user_id: int, limit: int) -> list[AuditEntry]:
        """Return the last lines that are about a user, newest first."""
        rows = await self._pool.fetch(_ABOUT, f"user:{user_id}", limit)
        return [AuditEntry(*row) for row in rows]

    async def head(self) -> tuple[int, bytes]:
        """Return the id and the hash of the last line, (0, zeros) before the first."""
        row = await self._pool.fetchrow("SELECT last_id, hash FROM audit_head")
        if row is None:
            raise TypeError("audit_head has no row")
        return row["last_id"], row["hash"]

    async def hash_of(self, line_id: int) -> bytes | None:
        """Return the hash of a line; None if there is no such line."""
        found: bytes | None = await self._pool.fetchval(
            "SELECT hash FROM audit_log WHERE id = $1", line_id
        )
        return found


def _fail(batch: list[tuple[AuditLine, asyncio.Future[None]]], error: Exception) -> None:
    for _, written in batch:
        if not written.done():
            written.set_exception(error)


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
