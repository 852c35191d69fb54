"""The segments that there are: what the database says of them, and their files in a folder.

Laws: what the table says is asked again only when something is wanted that it didn't know, since
segments are added at the end and never changed; a file that is missing, damaged or another's is
`SegmentUnreadable`, which names it and its commands; files are read in threads.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from persistence.errors import SegmentUnreadable
from persistence.journal.rows import JournalRow
from persistence.journal.segments.segment_file import (
    Block,
    Damaged,
    Index,
    Written,
    read_blocks,
    read_index,
    read_whole,
)
from persistence.postgres.database import Fetching

T = TypeVar("T")

INDEXES_HELD: Final = 16
"""Some tens of kilobytes each."""
COLUMNS: Final = (
    "first_seq, last_seq, first_at, last_at, batches, previous_hash, hash, file, bytes, sha256,"
    " moved_at"
)
"""Of the table, in the order of `Segment`'s fields."""
_LATER: Final = f"SELECT {COLUMNS} FROM journal_segments WHERE first_seq > $1 ORDER BY first_seq"  # noqa: S608 - a constant


class Segment(msgspec.Struct, frozen=True):
    """A part of the journal that lies in a file; `size` is the file's in bytes, times are
    microseconds since the Unix epoch.
    """

    first_seq: int
    last_seq: int
    first_at: int
    last_at: int
    batches: int
    previous_hash: bytes
    hash: bytes
    file: str
    size: int
    sha256: bytes
    moved_at: int


class Segments:
    """The segments of one database, as far as they were asked for."""

    def __init__(self, folder: Path | None) -> None:
        """Read files of this folder; None: of none, so that whatever was moved can't be read."""
        self._folder = folder
        self._known: list[Segment] = []
        self._index: Callable[[Path], Index] = lru_cache(maxsize=INDEXES_HELD)(read_index)

    @property
    def last_seq(self) -> int:
        """Return the last command of those that are known of."""
        return self._known[-1].last_seq if self._known else 0

    async def reach(self, source: Fetching, seq: int) -> bool:
        """Say whether a command lies in a segment, asking the database if none is known of."""
        if seq > self.last_seq:
            known = self._known[-1].first_seq if self._known else 0
            for row in await source.fetch(_LATER, known):
                segment = Segment(*row.values())
                # Somebody else may have asked meanwhile.
                if segment.first_seq > self.last_seq:
                    self._known.append(segment)
        return 0 < seq <= self.last_seq

    async def rows(self, begin: int, end: int, limit: int | None = None) -> list[JournalRow]:
        """Return the batches that hold commands from `begin` to `end`, in order, at most `limit`.

        Raises SegmentUnreadable.
        """
        found: list[JournalRow] = []
        for segment in self._between(begin, end):
            left = None if limit is None else limit - len(found)
            if left is not None and left <= 0:
                break
            found += await self._read(segment, self._rows_of, begin, end, left)
        return found if limit is None else found[:limit]

    async def rows_at(self, seqs: Sequence[int]) -> list[JournalRow]:
        """Return the batches that hold these commands (ascending), each once, in order."""
        found: list[JournalRow] = []
        for segment, wanted in self._grouped(seqs):
            found += await self._read(segment, self._rows_at, wanted)
        return found

    async def sizes_at(self, seqs: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return (first, last sequence, bytes of payload) of the batches that hold these."""
        found: list[tuple[int, int, int]] = []
        for segment, wanted in self._grouped(seqs):
            found += await self._read(segment, self._sizes_at, wanted)
        return found

    async def hash_at(self, seq: int) -> bytes | None:
        """Return the hash of the batch that ends with a command; None if none does."""
        for segment in self._between(seq, seq):
            if segment.last_seq == seq:
                return segment.hash
            (row,) = await self._read(segment, self._rows_of, seq, seq, None)
            return row.hash if row.last_seq == seq else None
        return None

    async def stream(self, before: int) -> AsyncIterator[JournalRow]:
        """Yield every batch before a command, each file's size and SHA-256 compared first."""
        for segment in list(self._known):
            if segment.last_seq >= before:
                return
            written, rows = await self._read(segment, lambda _, path: read_whole(path))
            if written != Written(segment.size, segment.sha256):
                raise self._unreadable(segment, "it isn't the file that was written")
            for row in rows:
                yield row

    # -- in a thread --------------------------------------------------------------------------

    async def _read(self, segment: Segment, read: "Callable[..., T]", *arguments: object) -> T:
        """Let a thread read a segment's file; raises SegmentUnreadable."""
        if self._folder is None:
            raise self._unreadable(segment, "this process was given no folder")
        path = self._folder / segment.file
        try:
            return await asyncio.to_thread(read, segment, path, *arguments)
        except FileNotFoundError:
            raise self._unreadable(segment, "it isn't in the journal's folder") from None
        except (OSError, Damaged) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise self._unreadable(segment, reason or type(error).__name__) from error

    def _rows_of(
        self, segment: Segment, path: Path, begin: int, end: int, limit: int | None
    ) -> list[JournalRow]:
        blocks = self._blocks(segment, path)
        first = max(0, bisect_right(blocks, begin, key=_first) - 1)
        found: list[JournalRow] = []
        for block in blocks[first:]:
            if block.first_seq > end or (limit is not None and len(found) >= limit):
                break
            rows = read_blocks(path, [block])
            found += [row for row in rows if row.last_seq >= begin and row.first_seq <= end]
        return found

    def _rows_at(self, segment: Segment, path: Path, seqs: Sequence[int]) -> list[JournalRow]:
        blocks = self._blocks(segment, path)
        numbers = {bisect_right(blocks, seq, key=_first) - 1 for seq in seqs}
        rows = read_blocks(path, [blocks[number] for number in sorted(numbers)])
        ends = [row.last_seq for row in rows]
        return [rows[number] for number in sorted({bisect_left(ends, seq) for seq in seqs})]

    def _sizes_at(
        self, segment: Segment, path: Path, seqs: Sequence[int]
    ) -> list[tuple[int, int, int]]:
        blocks = self._blocks(segment, path)
        found: dict[int, tuple[int, int, int]] = {}
        for seq in seqs:
            block = blocks[bisect_right(blocks, seq, key=_first) - 1]
            number = bisect_left(block.ends, seq)
            first = block.ends[number - 1] + 1 if number else block.first_seq
            found[first] = first, block.ends[number], block.sizes[number]
        return [*found.values()]

    def _blocks(self, segment: Segment, path: Path) -> list[Block]:
        """Return a file's blocks; raises OSError, Damaged if it isn't this segment's."""
        index = self._index(path)
        if (index.first_seq, index.last_seq, index.previous_hash, index.hash) != (
            segment.first_seq,
            segment.last_seq,
            segment.previous_hash,
            segment.hash,
        ):
            raise Damaged("it is another part of the journal, or another journal's")
        return index.blocks

    # -- which ----------------------------------------------------------------------------------

    def _between(self, begin: int, end: int) -> list[Segment]:
        first = bisect_left(self._known, begin, key=_last)
        return [segment for segment in self._known[first:] if segment.first_seq <= end]

    def _grouped(self, seqs: Sequence[int]) -> Iterator[tuple[Segment, Sequence[int]]]:
        """Yield each segment that holds any of these commands, with those."""
        begin = 0
        while begin < len(seqs) and seqs[begin] <= self.last_seq:
            segment = self._known[bisect_left(self._known, seqs[begin], key=_last)]
            end = bisect_right(seqs, segment.last_seq)
            yield segment, seqs[begin:end]
            begin = end

    def _unreadable(self, segment: Segment, reason: str) -> SegmentUnreadable:
        return SegmentUnreadable(
            f"commands {segment.first_seq} to {segment.last_seq} lie in the file {segment.file},"
            f" which can't be read here: {reason}"
        )


def _first(block: Block) -> int:
    return block.first_seq


def _last(segment: Segment) -> int:
    return segment.last_seq
