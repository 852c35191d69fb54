"""One look: the sums that always hold, then each course some way on, all that is new first.

Laws: each piece is one picture of the tables (REPEATABLE READ), which lasts as long as the piece
and no longer, so that a look keeps nothing from being tidied up; what it found and how far it came
is stored after each, so whoever dies loses a piece. A part that can't be looked at (its sums take
too long, a row can't be read) keeps nothing else from being looked at, but the look has failed, and
isn't noted as one. A round is done in `round_s` if the looks come:
each goes on by its part of it, and a little more. Of two looks at once one does nothing.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from persistence.clock import MICROSECONDS, now_us
from persistence.journal import tables
from persistence.postgres.database import Connection, connect
from persistence.proof.online.balances import Balances
from persistence.proof.online.bets import Bets
from persistence.proof.online.commands import Commands
from persistence.proof.online.course import Course, Mark
from persistence.proof.online.lines import Lines
from persistence.proof.online.orders import Orders
from persistence.proof.online.standing import standing_findings
from persistence.repositories.checks.findings import (
    Finding,
    Reached,
    read_courses,
    store_course,
    store_findings,
)

LOOK: Final = "look"
"""The course that stands for the looks themselves: how far the last one saw, and when."""
LOCK: Final = 0x70726F6263686B73
"""Of PostgreSQL's advisory locks: whoever looks holds it."""
STATEMENT_S: Final = 20
_AHEAD: Final = 1.25
"""Of its part of a round, so that a look that is late or is left out makes no round late."""
_SESSION: Final = {
    "application_name": "probity checker",
    "statement_timeout": str(STATEMENT_S * 1_000),
    "idle_in_transaction_session_timeout": "60000",
    "work_mem": "32MB",
}


class Order(msgspec.Struct, frozen=True):
    """What a look is to do: for `span_s` it begins with further pieces."""

    url: str
    folder: str | None
    round_s: int
    span_s: float


class Looked(msgspec.Struct, frozen=True):
    """What a look came to."""

    seq: int
    found: int
    """Things that aren't as they must be, known ones among them."""
    new: int


async def look(order: Order, clock: Callable[[], int] = now_us) -> Looked | None:
    """Look at the exchange behind a URL that passes any pooler; None where another look goes on.

    Raises DatabaseUnavailable and asyncpg's errors, HistoryMismatch for an empty engine_state; what
    a part failed with when all others were looked at.
    """
    connection = await connect(order.url, settings=_SESSION)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return None
        return await _Look(connection, order, clock).run()
    finally:
        await connection.close()


class _Look:
    def __init__(self, connection: Connection, order: Order, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._order = order
        self._clock = clock
        self._ends_at = time.monotonic() + order.span_s
        self._found = 0
        self._new = 0
        self._seq = 0
        self._failed: Exception | None = None

    async def run(self) -> Looked:
        known = {one.name: one for one in await read_courses(self._connection)}
        began_at = self._clock()
        async with self._by_itself():
            async with self._picture():
                findings = await standing_findings(self._connection, self._seq)
            await self._store(findings)
        before = known.get(LOOK)
        # From begin to begin: how long a look takes belongs to the round as well.
        since_s = 0.0 if before is None else (began_at - before.began_at) / MICROSECONDS
        for course in courses(self._order.folder):
            stood = known.get(course.name)
            if stood is None:
                stood = Reached(course.name, *course.start, began_at, 0)
            async with self._by_itself():
                await self._follow(course, stood, since_s)
        if self._failed is not None:
            raise self._failed
        done = Reached(LOOK, self._seq, None, began_at, self._clock())
        await store_course(self._connection, done)
        return Looked(self._seq, self._found, self._new)

    @asynccontextmanager
    async def _by_itself(self) -> AsyncIterator[None]:
        """Keep a part's failure for the end, unless nothing more can be asked."""
        try:
            yield
        except Exception as error:
            if self._connection.is_closed():
                raise
            self._failed = self._failed or error

    @asynccontextmanager
    async def _picture(self) -> AsyncIterator[None]:
        """See one moment, and note which command that is."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            self._seq = (await tables.read_head(self._connection)).last_seq
            yield

    async def _follow(self, course: Course, stood: Reached, since_s: float) -> None:
        """Go on with a course: to its end, or by the part of a round that is due."""
        part = min(max(since_s, 1.0) * _AHEAD / self._order.round_s, 1.0)
        to = stood.reached + int(await course.length(self._connection) * part) + 1
        mark, began_at, ended_at = Mark(stood.reached, stood.hash), stood.began_at, stood.ended_at
        while True:
            if mark == course.start:
                began_at = self._clock()
            async with self._picture():
                piece = await course.piece(self._connection, mark, self._seq)
            mark = piece.mark
            if piece.is_end:
                ended_at = self._clock()
            await self._store(piece.findings)
            reached = Reached(course.name, mark.key, mark.hash, began_at, ended_at)
            await store_course(self._connection, reached)
            is_far = mark.key >= to and not course.is_front
            if piece.is_end or is_far or time.monotonic() >= self._ends_at:
                return

    async def _store(self, findings: list[Finding]) -> None:
        self._found += len(findings)
        self._new += await store_findings(self._connection, findings, self._clock())


def courses(folder: str | None) -> tuple[Course, ...]:
    """Return all courses, in the order in which a look takes them."""
    files = None if folder is None else Path(folder)
    return (
        Commands(files, is_front=True),
        Lines(is_front=True),
        Balances(),
        Orders(),
        Bets(),
        Commands(files, is_front=False),
        Lines(is_front=False),
    )
