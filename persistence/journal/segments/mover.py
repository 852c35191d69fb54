"""Move the oldest batches of the journal from the table to a file.

    read a run of batches ─> write, fsync ─> rename, fsync the folder ─> read back, compare
        ─> one transaction: the segment's row comes, the batches go

Laws: until that transaction is committed the table has them, afterwards the file does, so it may be
killed anywhere; a file that was left behind is found by the next run, which goes on with it if it
is whole. A run begins where the last segment ends, and is moved only if it is whole by the hash
chain. Never moved: what is younger than it must be, the last `KEPT_COMMANDS`, which every start
reads, and what the projector hasn't followed yet. One works at a time (a lock of the session).
"""

import asyncio
import os
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from exchange.messages.bounds import RECENT_IDS
from persistence.errors import HistoryMismatch, SegmentUnreadable
from persistence.journal.rows import COLUMNS, GENESIS_HASH, JournalRow
from persistence.journal.segments.segment_file import (
    Damaged,
    Written,
    read_index,
    read_whole,
    write_file,
)
from persistence.journal.segments.segments import COLUMNS as SEGMENT_COLUMNS
from persistence.journal.segments.segments import Segment
from persistence.postgres.database import Connection

KEPT_COMMANDS: Final = RECENT_IDS
"""A start reads the ids of so many commands from the table, whatever became of the files."""
SEGMENT_BYTES: Final = 8 * 1_024 * 1_024
"""So much payload goes into a file, and a batch more at most."""
SEGMENT_BATCHES: Final = 10_000
LOCK: Final = 0x70726F_6D6F7665  # "promove"
SESSION: Final = {
    "application_name": "probity journal",
    "statement_timeout": "60000",
    "lock_timeout": "5000",
}
_ROWS_AT_ONCE: Final = 16

_BOUNDS: Final = """
SELECT e.database_id::text AS database_id, e.last_seq, p.last_seq AS projected,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
  FROM engine_state e, projection_state p
"""
_LAST: Final = f"SELECT {SEGMENT_COLUMNS} FROM journal_segments ORDER BY first_seq DESC LIMIT 1"  # noqa: S608 - a constant
_RUN: Final = (
    f"SELECT {COLUMNS} FROM journal WHERE first_seq >= $1 AND last_seq <= $2"  # noqa: S608 - a constant
    " ORDER BY first_seq"
)
_INSERT: Final = (
    f"INSERT INTO journal_segments ({SEGMENT_COLUMNS})"  # noqa: S608 - a constant
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)
_DELETE: Final = (
    "DELETE FROM journal WHERE first_seq >= $1 AND first_seq <= $2 RETURNING first_seq, hash"
)


class Step(Enum):
    """How far a move has come."""

    WRITTEN = "written"
    RENAMED = "renamed"
    CHECKED = "checked"
    DELETED = "deleted"
    """Not committed yet."""
    MOVED = "moved"


class MoverBusy(Exception):
    """Another process moves the journal just now."""


class _Bounds(msgspec.Struct, frozen=True):
    """Where a run begins, on which hash, and up to where it may go: by command and by time."""

    database_id: str
    begin: int
    previous_hash: bytes
    last_seq: int
    before: int
    now: int


class JournalMover:
    """Moves segments on a session of its own, which must be reached past any pooler."""

    def __init__(
        self,
        connection: Connection,
        folder: Path,
        *,
        kept_us: int,
        behind_projector: bool = True,
        segment_bytes: int = SEGMENT_BYTES,
        kept_commands: int = KEPT_COMMANDS,
        at_step: Callable[[Step], None] = lambda _step: None,
    ) -> None:
        """Begin.

        Args:
            connection: with the settings of `SESSION`.
            folder: of the files; made if it isn't there.
            kept_us: how old a batch is at least when it goes, by the database's clock.
            behind_projector: whether somebody follows the journal who has to be waited for.
            segment_bytes: of payload in a file.
            kept_commands: never moved; fewer than `KEPT_COMMANDS` only where nothing starts again.
            at_step: told of each step; what it raises ends the move.
        """
        self._connection = connection
        self._folder = folder
        self._kept_us = kept_us
        self._behind_projector = behind_projector
        self._segment_bytes = segment_bytes
        self._kept_commands = kept_commands
        self._at_step = at_step

    async def begin(self) -> None:
        """Take the lock, and look at the folder.

        Raises:
            MoverBusy: somebody else has it.
            SegmentUnreadable: the folder lacks the last segment, so it is the wrong one.
            OSError: the folder can't be made.
        """
        if not await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            raise MoverBusy("another process moves the journal just now")
        last = await self._last()
        if last is not None and not await asyncio.to_thread((self._folder / last.file).is_file):
            raise SegmentUnreadable(
                f"{self._folder} lacks {last.file}, to which the journal was moved last: set"
                " JOURNAL_FOLDER to the folder that has it"
            )
        make = partial(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(make)

    async def move(self, *, partly: bool = False) -> Segment | None:
        """Move the next segment; None if what may go doesn't fill one, or, `partly`, is nothing.

        Raises:
            HistoryMismatch: the batches don't chain, or aren't those that were read; nothing went.
            SegmentUnreadable: the file isn't read back as it was written; nothing went.
            OSError: the file can't be written; nothing went.
        """
        bounds = await self._bounds()
        left = await asyncio.to_thread(self._left_behind, bounds)
        rows = await self._run(bounds, left, partly=partly)
        if not rows:
            return None
        file = _name(rows)
        written = await asyncio.to_thread(self._whole, file, rows) if left is not None else None
        if written is None:
            written = await asyncio.to_thread(self._write, bounds.database_id, file, rows)
        segment = Segment(
            rows[0].first_seq,
            rows[-1].last_seq,
            rows[0].at,
            rows[-1].at,
            len(rows),
            rows[0].previous_hash,
            rows[-1].hash,
            file,
            written.size,
            written.sha256,
            bounds.now,
        )
        await self._record(segment, rows)
        self._at_step(Step.MOVED)
        return segment

    async def _last(self) -> Segment | None:
        row = await self._connection.fetchrow(_LAST)
        return None if row is None else Segment(*row.values())

    async def _bounds(self) -> _Bounds:
        last = await self._last()
        found = await self._connection.fetchrow(_BOUNDS)
        if found is None:
            raise HistoryMismatch("engine_state or projection_state is empty")
        last_seq = found["last_seq"] - self._kept_commands
        if self._behind_projector:
            last_seq = min(last_seq, found["projected"])
        return _Bounds(
            found["database_id"],
            1 if last is None else last.last_seq + 1,
            GENESIS_HASH if last is None else last.hash,
            last_seq,
            found["now"] - self._kept_us,
            found["now"],
        )

    async def _run(self, bounds: _Bounds, left: int | None, *, partly: bool) -> list[JournalRow]:
        """Return the batches that go next: those of a file that was `left` behind, else as many as
        fill one.
        """
        rows: list[JournalRow] = []
        size, seq, hash_ = 0, bounds.begin - 1, bounds.previous_hash
        last_seq = bounds.last_seq if left is None else left
        async with self._connection.transaction(readonly=True):
            query = self._connection.cursor(_RUN, bounds.begin, last_seq, prefetch=_ROWS_AT_ONCE)
            async for found in query:
                row = JournalRow(*found.values())
                if row.at >= bounds.before:
                    break
                if row.first_seq != seq + 1 or (row.previous_hash, row.hash) != (
                    hash_,
                    row.expected_hash(),
                ):
                    raise HistoryMismatch(
                        f"the batch of command {row.first_seq} doesn't follow on {seq}: run"
                        " `probity verify`"
                    )
                rows.append(row)
                size, seq, hash_ = size + len(row.payload), row.last_seq, row.hash
                is_full = size >= self._segment_bytes or len(rows) == SEGMENT_BATCHES
                if is_full and left is None:
                    return rows
        return rows if partly or seq == left else []

    # -- the file, in a thread ------------------------------------------------------------------

    def _left_behind(self, bounds: _Bounds) -> int | None:
        """Return the last command of a file that a killed run has left; None if there is none."""
        for path in sorted(self._folder.glob(f"{_prefix(bounds.begin)}*.segment")):
            try:
                index = read_index(path)
            except (OSError, Damaged):
                continue
            ours = index.database_id, index.previous_hash
            is_ours = ours == (bounds.database_id, bounds.previous_hash)
            if is_ours and index.last_seq <= bounds.last_seq:
                return index.last_seq
        return None

    def _whole(self, file: str, rows: list[JournalRow]) -> Written | None:
        """Return the size and hash of a file that holds these batches; None if none does."""
        try:
            written, held = read_whole(self._folder / file)
        except (OSError, Damaged):
            return None
        return written if held == rows else None

    def _write(self, database_id: str, file: str, rows: list[JournalRow]) -> Written:
        # One such file a database: what a killed run has left of it is written over.
        part = self._folder / f"journal-{database_id}.part"
        written = write_file(part, database_id, rows)
        self._at_step(Step.WRITTEN)
        part.replace(self._folder / file)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._at_step(Step.RENAMED)
        if self._whole(file, rows) != written:
            raise SegmentUnreadable(f"{file} isn't read back as it was written: is the disk sound?")
        self._at_step(Step.CHECKED)
        return written

    # -- the tables -----------------------------------------------------------------------------

    async def _record(self, segment: Segment, rows: list[JournalRow]) -> None:
        """Let the segment's row come and the batches go, at once."""
        connection = self._connection
        try:
            async with connection.transaction():
                await connection.execute(_INSERT, *msgspec.structs.astuple(segment))
                gone = await connection.fetch(_DELETE, segment.first_seq, segment.last_seq)
                if sorted(map(tuple, gone)) != [(row.first_seq, row.hash) for row in rows]:
                    raise HistoryMismatch(
                        f"the journal holds other batches between {segment.first_seq} and"
                        f" {segment.last_seq} than were written to {segment.file}"
                    )
                self._at_step(Step.DELETED)
        except asyncpg.UniqueViolationError as error:
            raise HistoryMismatch(f"{segment.file} is the journal's already: {error}") from error


def _prefix(first_seq: int) -> str:
    return f"journal-{first_seq:012}-"


def _name(rows: list[JournalRow]) -> str:
    """Return the name of the file of these batches; no others get it."""
    return f"{_prefix(rows[0].first_seq)}{rows[-1].last_seq:012}-{rows[-1].hash.hex()[:16]}.segment"
