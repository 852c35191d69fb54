"""What PostgreSQL needs to take the same rows, if nothing has to be matched, found or checked.

The rows that the journal writes for some commands (`loads/sealing.py`: new ones and changed ones of
every table, and the journal's own) are copied as they are, each into one `bytea` of a table without
an index: as many rows, of as many bytes, in as many transactions of as many commands as the engine
made of them. Counted is from the first COPY to the return of the last one's commit; the binary
streams are made beforehand, so that hardly anything but the database's own work is timed. It
commits as the journal does, with `synchronous_commit=on` on the same server.
"""

import io
import struct
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.loads.exchange_flow import new_database
from benchmarks.loads.sealing import Sealing, packed_rows
from exchange.messages.commands import Command
from persistence.embedded.server import EmbeddedPostgres
from persistence.journal.journal import SealedBatch
from persistence.postgres.database import Connection, connect

NAME: Final = "a bare COPY of the same rows"
_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_pack_row: Final = struct.Struct(">hi").pack


class BareCopy:
    """A table to copy into, and what is to be copied."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sealing = Sealing()

    async def commands_per_s(self, commands: Sequence[Command], batch_size: int) -> float:
        """Copy the rows of some commands, which follow those of the calls before."""
        parts = range(0, len(commands), batch_size)
        batches = [self._sealing.seal(commands[first : first + batch_size]) for first in parts]
        return len(commands) / await self.seconds(batches)

    async def seconds(self, batches: Iterable[SealedBatch]) -> float:
        """Copy the rows of these batches, each in a transaction; return how long that took."""
        streams = [stream(packed_rows(batch)) for batch in batches]
        await self._connection.execute("TRUNCATE bare")
        started = time.perf_counter()
        for data in streams:
            await self._connection.copy_to_table("bare", source=io.BytesIO(data), format="binary")
        return time.perf_counter() - started


@asynccontextmanager
async def bare_copy(server: EmbeddedPostgres) -> AsyncIterator[BareCopy]:
    """Open a connection to a fresh database of its own on that server."""
    connection = await connect(await new_database(server, "bare"))
    try:
        await connection.execute("CREATE TABLE bare (row bytea)")
        yield BareCopy(connection)
    finally:
        await connection.close()


def stream(rows: Iterable[bytes]) -> bytes:
    """Return what COPY reads in its binary format: rows of one column."""
    parts = [_HEAD]
    for row in rows:
        parts += (_pack_row(1, len(row)), row)
    return b"".join([*parts, _END])
