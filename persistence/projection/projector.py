"""Follows the journal and stores what follows from it, off the engine's loop.

    journal ─ read ─ decode ─ prepare ─ apply ─ store + progress (one transaction) ─ again

Laws: what is stored and how far it goes are one transaction, so it may be killed anywhere; one
projector works at a time (a lock of the session), and the progress is moved only from where it was
found; what is committed is read, so nothing is ever shown that isn't true.
"""

from collections.abc import Sequence
from typing import Final

from exchange.messages.execution import Execution
from persistence.errors import HistoryMismatch
from persistence.journal.reader import rows_after
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection
from persistence.projection.projection import Projection

VERSION: Final = 2
"""Raised when what is stored is made otherwise: then everything is made again."""
COMMANDS_AT_ONCE: Final = 5_000
"""So many commands, and one batch of the engine's, are stored together at most."""
_BYTES_AT_ONCE: Final = 500_000
"""Of the journal so much is read at once, and one batch more."""
_LOCK: Final = 0x70726F_6A656374  # "project"
_MOVE: Final = (
    "UPDATE projection_state SET last_seq = $1, at = $2 WHERE last_seq = $3 AND version = $4"
)


class Projector:
    """Makes projections on a session of its own."""

    def __init__(
        self,
        connection: Connection,
        projections: Sequence[Projection],
        segments: Segments | None = None,
    ) -> None:
        """Begin; each projection may build on those before it; `segments` as `JournalSource`."""
        self._journal = JournalSource(connection, segments)
        self._connection = connection
        self._projections = projections
        self.last_seq = 0
        """The last command that is in everything stored."""

    async def lead(self) -> bool:
        """Say whether this session is the one that projects, and find where to go on if it is."""
        connection = self._connection
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return False
        found = await connection.fetchrow("SELECT version, last_seq FROM projection_state")
        if found is None:
            raise HistoryMismatch("projection_state is empty")
        version, self.last_seq = found
        if version != VERSION:
            await self._begin_anew()
        return True

    async def step(self) -> int:
        """Take the next commands and store what follows; return how many: 0 at the end.

        After an error memory is empty, and the next step begins where the tables stand.

        Raises:
            HistoryMismatch: the journal is not what was followed, or somebody else projects.
        """
        executions = await self._next()
        if not executions:
            return 0
        try:
            for projection in self._projections:
                await projection.prepare(self._journal, executions)
            for execution in executions:
                for projection in self._projections:
                    projection.apply(execution)
            await self._store(executions[-1])
        except BaseException:
            for projection in self._projections:
                projection.forget()
            raise
        self.last_seq = executions[-1].seq
        return len(executions)

    async def _next(self) -> list[Execution]:
        found: list[Execution] = []
        seq = self.last_seq
        while len(found) < COMMANDS_AT_ONCE:
            rows = await rows_after(self._journal, seq, _BYTES_AT_ONCE)
            for row in rows:
                if len(found) >= COMMANDS_AT_ONCE:
                    break
                if row.first_seq != seq + 1:
                    raise HistoryMismatch(f"the journal has no batch after command {seq}")
                found += row.executions()
                seq = row.last_seq
            if not rows:
                break
        return found

    async def _store(self, last: Execution) -> None:
        async with self._connection.transaction():
            moved = await self._connection.execute(_MOVE, last.seq, last.at, self.last_seq, VERSION)
            if moved != "UPDATE 1":
                raise HistoryMismatch("somebody else has followed the journal meanwhile")
            for projection in self._projections:
                await projection.store(self._connection)

    async def _begin_anew(self) -> None:
        async with self._connection.transaction():
            for projection in self._projections:
                await projection.erase(self._connection)
            await self._connection.execute(
                "UPDATE projection_state SET version = $1, last_seq = 0, at = 0", VERSION
            )
        self.last_seq = 0
