"""Writing an export: rows as CSV or Parquet into a sink, as fast as whoever reads there takes them.

Laws: CSV is RFC 4180 with a header, made by PostgreSQL's own COPY where the rows are a table's;
nothing is held but the part at hand; the sink may block, so this runs in a process of its own.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from persistence.exports.kinds import COLUMNS, Column, Export, Format
from persistence.exports.parquet import ParquetWriter
from persistence.exports.sources import query_of, reached, rows_of
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import Connection

Progressed = Callable[[int], None]
"""Told of how many more rows were written."""
_NEW_LINE: Final = b"\n"


class Exported(NamedTuple):
    """How many rows were written, the header not counted, and the command up to which all is in
    them.
    """

    rows: int
    as_of_seq: int


class CsvWriter:
    """Writes rows as COPY does."""

    def __init__(self, columns: Sequence[Column], sink: BinaryIO) -> None:
        self._sink = sink
        self._write([[column.name for column in columns]])

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write some rows."""
        self._write(rows)

    def close(self) -> None:
        """Write nothing more."""

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._sink.write(text.getvalue().encode("ascii"))


async def write_export(
    connection: Connection,
    export: Export,
    form: Format,
    sink: BinaryIO,
    segments: Segments,
    progressed: Progressed = lambda _more: None,
    begun: Callable[[int], None] = lambda _seq: None,
) -> Exported:
    """Write all rows of an export, all of one moment; `begun` hears of the command up to which all
    is in them before anything is written.

    Raises SegmentUnreadable if what is to be replayed lies in a file that can't be read.
    """
    columns = COLUMNS[export.kind]
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        as_of_seq = await reached(connection, export)
        begun(as_of_seq)
        query = query_of(export)
        if form is Format.CSV and query is not None:
            copied = await _copy(connection, columns, *query, sink, progressed)
            return Exported(copied, as_of_seq)
        writer = CsvWriter(columns, sink) if form is Format.CSV else ParquetWriter(columns, sink)
        count = 0
        async for rows in rows_of(connection, export, segments):
            writer.write(rows)
            count += len(rows)
            progressed(len(rows))
        writer.close()
    return Exported(count, as_of_seq)


async def _copy(
    connection: Connection,
    columns: Sequence[Column],
    query: str,
    arguments: tuple[int, ...],
    sink: BinaryIO,
    progressed: Progressed,
) -> int:
    """Let PostgreSQL write the rows."""
    count = 0

    async def take(data: bytes) -> None:
        nonlocal count
        sink.write(data)
        more = data.count(_NEW_LINE)
        count += more
        progressed(more)

    CsvWriter(columns, sink)
    await connection.copy_from_query(query, *arguments, output=take, format="csv")
    return count
