"""What the checker found wrong, and how far its courses have come.

Laws: what was found stays open until somebody acknowledges it, whatever a later look sees; found
again it is the same row, acknowledged and found again a new one. A finding and its line of the
audit log are one transaction. Where `OPEN_MAX` are open, another one is stored only if it halts
what none of them does: however many halt nothing, or another market, they hide nothing that must.
"""

from typing import Final

import asyncpg
import msgspec

from persistence.postgres.database import Connection, DeadlinePool, Fetching

OPEN_MAX: Final = 1_000
ACTION: Final = "check.finding"
REQUEST: Final = "checker"
"""What stands for a request in the audit log, where none was."""
_COLUMNS: Final = (
    "id, name, market_id, subject, expected, seen, halts, seq, found_at, seen_at, times, halted_at,"
    " acknowledged_at, note"
)
_SUBJECT_LENGTH: Final = 200
_TEXT_LENGTH: Final = 1_000
_AGAIN: Final = """
UPDATE check_findings SET expected = $4, seen = $5, seq = $6, seen_at = $7, times = times + 1
 WHERE name = $1 AND market_id = $2 AND subject = $3 AND acknowledged_at IS NULL RETURNING id
"""
_NEW: Final = f"""
INSERT INTO check_findings (name, market_id, subject, expected, seen, seq, found_at, seen_at, halts)
SELECT $1::text, $2::bigint, $3::text, $4::text, $5::text, $6::bigint, $7::bigint, $7, $8::boolean
 WHERE (SELECT count(*) FROM check_findings WHERE acknowledged_at IS NULL) < {OPEN_MAX}
    OR ($8 AND NOT EXISTS (SELECT FROM check_findings WHERE acknowledged_at IS NULL AND halts
                          AND market_id IN (0, $2)))
RETURNING id
"""  # noqa: S608 - a constant
_LINE: Final = (
    "INSERT INTO audit_log (at, actor_id, action, target, outcome, request_id)"
    " VALUES ($1, NULL, $2, $3, 'failed', $4)"
)
_OPEN: Final = f"SELECT {_COLUMNS} FROM check_findings WHERE acknowledged_at IS NULL ORDER BY id"  # noqa: S608 - a constant
_PAGE: Final = f"""
SELECT {_COLUMNS} FROM check_findings
 WHERE ($1::boolean IS NULL OR (acknowledged_at IS NULL) = $1) AND id < $2
 ORDER BY id DESC LIMIT $3 OFFSET $4
"""  # noqa: S608 - a constant
_COUNT: Final = (
    "SELECT count(*) FROM check_findings"
    " WHERE ($1::boolean IS NULL OR (acknowledged_at IS NULL) = $1)"
)
_COUNTS: Final = (
    "SELECT name, count(*) FROM check_findings WHERE acknowledged_at IS NULL GROUP BY name"
)
_COURSES: Final = "SELECT name, reached, hash, began_at, ended_at FROM check_courses ORDER BY name"
_REACHED: Final = """
INSERT INTO check_courses VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (name) DO UPDATE SET reached = $2, hash = $3, began_at = $4, ended_at = $5
"""


class Finding(msgspec.Struct, frozen=True):
    """One thing that isn't as it must be; `market_id` 0: the whole exchange's.

    `subject` names it, and is the same when it is found again; `seq` is the last command that the
    picture of the tables held in which it was seen.
    """

    name: str
    market_id: int
    subject: str
    expected: str
    seen: str
    seq: int
    halts: bool = True
    """Whether nothing may be traded with it open."""


class StoredFinding(msgspec.Struct, frozen=True):
    """A finding as it is kept; times in microseconds since the epoch, 0: never."""

    id: int
    name: str
    market_id: int
    subject: str
    expected: str
    seen: str
    halts: bool
    seq: int
    found_at: int
    seen_at: int
    times: int
    halted_at: int
    acknowledged_at: int | None
    note: str | None


class Reached(msgspec.Struct, frozen=True):
    """How far a course has come; `ended_at` is when it was through last."""

    name: str
    reached: int
    hash: bytes | None
    began_at: int
    ended_at: int


async def store_findings(connection: Connection, findings: list[Finding], now: int) -> int:
    """Store what was found, at `now`; return how many of it are new.

    Call outside of a transaction.
    """
    new = 0
    for one in findings:
        subject = one.subject[:_SUBJECT_LENGTH]
        values = (
            *(one.name, one.market_id, subject),
            *(one.expected[:_TEXT_LENGTH], one.seen[:_TEXT_LENGTH], one.seq, now),
        )
        async with connection.transaction():
            if await connection.fetchval(_AGAIN, *values) is not None:
                continue
            if await connection.fetchval(_NEW, *values, one.halts) is None:
                continue
            new += 1
            whose = f"market:{one.market_id}" if one.market_id else "exchange"
            try:
                async with connection.transaction():
                    told = f"{whose} {one.name}: {subject}"
                    await connection.execute(_LINE, now, ACTION, told, REQUEST)
            except asyncpg.PostgresError:
                # It is the audit log that is broken; that it is, has to be kept all the more.
                continue
    return new


async def read_courses(source: Fetching) -> list[Reached]:
    """Return how far each course has come that was ever begun."""
    return [Reached(*row.values()) for row in await source.fetch(_COURSES)]


async def store_course(connection: Connection, course: Reached) -> None:
    """Note how far a course has come."""
    await connection.execute(_REACHED, *msgspec.structs.astuple(course))


class Findings:
    """Reads and acknowledges findings."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def open(self) -> list[StoredFinding]:
        """Return those that nobody acknowledged, oldest first: at most `OPEN_MAX`, one more a
        market, and one more of the exchange.
        """
        return [StoredFinding(*row.values()) for row in await self._pool.fetch(_OPEN)]

    async def counts(self) -> dict[str, int]:
        """Return how many are open, by their check's name."""
        return {row["name"]: row["count"] for row in await self._pool.fetch(_COUNTS)}

    async def page(
        self, limit: int, offset: int, before: int, *, is_open: bool | None
    ) -> tuple[list[StoredFinding], int]:
        """Return findings below the id `before`, newest first, and how many there are in all.

        With `is_open` only those that are open, or aren't.
        """
        rows = await self._pool.fetch(_PAGE, is_open, before, limit, offset)
        total = await self._pool.fetchval(_COUNT, is_open)
        return [StoredFinding(*row.values()) for row in rows], total

    async def find(self, finding_id: int) -> StoredFinding | None:
        """Return one; None if there is none of this id."""
        row = await self._pool.fetchrow(
            f"SELECT {_COLUMNS} FROM check_findings WHERE id = $1",  # noqa: S608 - a constant
            finding_id,
        )
        return None if row is None else StoredFinding(*row.values())

    async def acknowledge(self, finding_id: int, note: str, now: int) -> bool:
        """Close a finding with an admin's word; say whether it was open."""
        found = await self._pool.fetchval(
            "UPDATE check_findings SET acknowledged_at = $2, note = $3"
            " WHERE id = $1 AND acknowledged_at IS NULL RETURNING id",
            finding_id,
            now,
            note,
        )
        return found is not None

    async def halted(self, finding_id: int, now: int) -> None:
        """Note that nothing is traded any more where it was found."""
        await self._pool.execute(
            "UPDATE check_findings SET halted_at = $2 WHERE id = $1 AND halted_at = 0",
            finding_id,
            now,
        )

    async def courses(self) -> list[Reached]:
        """Return how far each course has come."""
        return await read_courses(self._pool)
