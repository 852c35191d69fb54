"""Where an account's private messages of the past lie: its segment's image, and the rows of the
journal that touched the account since.

    segment (image, commands) ─┬─ rows of those commands ─┐
    progress of the projector ─┴─ rows after it, all ─────┴─> parts of some megabytes, in order

Laws: what a look-up reads is bounded in commands by its segment's length, in bytes by `PAGE_BYTES`
as soon as something wanted was read, and behind the projector's progress by both; a part is fetched
when the one before it was replayed, so that memory holds one. Rows are given as they stand: who
asks replays them elsewhere.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from exchange.messages.execution import Execution
from exchange.projections.account_segments import decode_commands
from persistence.journal.reader import rows_after
from persistence.journal.rows import JournalRow
from persistence.journal.scattered import row_sizes, rows_at
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Fetching

PART_BYTES: Final = 2_000_000
"""So much of the journal is fetched at once, and a batch of the engine's more at most."""
PAGE_BYTES: Final = 16_000_000
"""A page that has something ends when it has read so much."""
TAIL_COMMANDS: Final = 5_000
"""So many commands are looked through behind the projector's progress."""

_SEGMENTS: Final = """
SELECT p.last_seq AS progress, s.account_seq, s.seq, s.image, s.commands,
       (SELECT min(account_seq) FROM account_segments WHERE account_id = $1) AS oldest
  FROM projection_state p
  LEFT JOIN LATERAL (
       SELECT account_seq, seq, commands, CASE WHEN account_seq <= $2 THEN image END AS image
         FROM account_segments
        WHERE account_id = $1 AND account_seq <= $3 AND account_seq >= (
              SELECT max(account_seq) FROM account_segments
               WHERE account_id = $1 AND account_seq <= $2)
        ORDER BY account_seq) s ON true
"""


class TakenRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of the journal, and which of its commands are wanted; None: all."""

    row: JournalRow
    seqs: list[int] | None

    @property
    def epoch(self) -> int:
        """Return the epoch of the engine that wrote it."""
        return self.row.epoch

    def executions(self) -> list[Execution]:
        """Decode what is wanted; raises msgspec.DecodeError."""
        return self.row.executions() if self.seqs is None else self.row.some(self.seqs)


class Missed(msgspec.Struct, frozen=True):
    """Where an account's messages from one on are found.

    `image` is the account after the command before the first of `seqs`, None if it wasn't open yet;
    `seqs` are commands that touched it, `progress` is the last command that was looked through for
    them.
    """

    image: bytes | None
    seqs: list[int]
    progress: int


class TooFarBack(Exception):
    """What is asked for is kept no more; `first` is the first message that is."""

    def __init__(self, first: int) -> None:
        super().__init__(f"private messages are kept from number {first}")
        self.first = first


class AccountEvents:
    """The way to the past of accounts, over a pool whose waits have an end."""

    def __init__(self, source: Fetching, segments: Segments | None = None) -> None:
        """Ask there; `segments` as `JournalSource`."""
        self._source = source
        self._journal = JournalSource(source, segments)

    async def find(self, account_id: int, first: int, last: int) -> Missed:
        """Return where messages `first` to `last` of an account are found.

        Raises TooFarBack if no image reaches the first.
        """
        rows = await self._source.fetch(_SEGMENTS, account_id, first, last)
        progress, begin, _, image, _, oldest = rows[0].values()
        if begin is None:
            if oldest is not None:
                raise TooFarBack(oldest)
            return Missed(None, [], progress)
        seqs: list[int] = []
        for row in rows:
            seqs += decode_commands(row["seq"], row["commands"])
        return Missed(image, seqs[: last - begin + 1], progress)

    async def parts(self, missed: Missed, newest: int) -> AsyncIterator[list[TakenRow]]:
        """Yield the rows that hold what is wanted, part by part; at least up to the command
        `newest` unless a bound is met.

        Raises HistoryMismatch if the journal lacks a command.
        """
        async for part in self._of_segment(missed.seqs):
            yield part
        async for part in self._of_tail(missed.progress, newest):
            yield part

    async def _of_segment(self, seqs: Sequence[int]) -> AsyncIterator[list[TakenRow]]:
        if not seqs:
            return
        chunk: list[int] = []
        taken = size = 0
        for last_seq, bytes_ in await row_sizes(self._journal, seqs):
            while taken < len(seqs) and seqs[taken] <= last_seq:
                chunk.append(seqs[taken])
                taken += 1
            size += bytes_
            if size >= PART_BYTES:
                yield await self._rows(chunk)
                chunk, size = [], 0
        if chunk:
            yield await self._rows(chunk)

    async def _rows(self, seqs: Sequence[int]) -> list[TakenRow]:
        found = await rows_at(self._journal, seqs)
        return [
            TakenRow(row, [seq for seq in seqs if row.first_seq <= seq <= row.last_seq])
            for row in found
        ]

    async def _of_tail(self, progress: int, newest: int) -> AsyncIterator[list[TakenRow]]:
        seq = progress
        while seq < min(newest, progress + TAIL_COMMANDS):
            part: list[TakenRow] = []
            size = 0
            while size < PART_BYTES and seq < min(newest, progress + TAIL_COMMANDS):
                rows = await rows_after(self._journal, seq)
                if not rows:
                    break
                part += [TakenRow(row, None) for row in rows]
                size += sum(len(row.payload) for row in rows)
                seq = rows[-1].last_seq
            if not part:
                return
            yield part
