"""One export in a process of its own: what is wanted comes by stdin, the rows go to stdout.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  a line with the command up to which all is in it, then the file; or its manifest, before
            which blanks say that it is being made

Laws: it gives way to everybody, and works a third of its time, since what the database does for it
gives way to nobody; it ends with whoever started it, and after its time; whoever reads
slowly holds up nothing but it, since stdout is a pipe that fills.
"""

import asyncio
import os
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, Final, NoReturn, cast

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.errors import SegmentUnreadable
from persistence.exports.export import write_export
from persistence.exports.kinds import Export, Format
from persistence.exports.manifest import HashingSink, manifest_of, manifest_text
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import Connection, connect

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.exports.process")
UNREADABLE: Final = 4
"""The exit code when what is to be replayed lies in a file that can't be read."""
_NICE: Final = 19
_REST: Final = 2.0
"""For so many times as long as it worked it rests."""
_REST_MOST_S: Final = 0.5
"""Who waits for a slow reader has rested already."""
_BUFFER_BYTES: Final = 64 * 1_024
_SIGN_OF_LIFE_S: Final = 5.0


class Order(msgspec.Struct, frozen=True):
    """What the process is to do."""

    url: str
    export: Export
    format: Format
    seconds: float
    journal_folder: str
    """Of what was moved out of the journal's table."""
    manifest_of: str = ""
    """The market's slug, where only the manifest is wanted."""


class Pace:
    """Rests after each part that was written, in proportion to the time it took; into `signs` it
    writes a blank every few seconds, which JSON may begin with.
    """

    def __init__(self, signs: BinaryIO | None = None) -> None:
        self._signs = signs
        self._since = self._signed = time.monotonic()

    def __call__(self, _rows: int) -> None:
        """Sleep; in a process of its own nobody else waits for that."""
        worked = time.monotonic() - self._since
        time.sleep(min(_REST * worked, _REST_MOST_S))
        self._since = time.monotonic()
        if self._signs is not None and self._since - self._signed > _SIGN_OF_LIFE_S:
            self._signs.write(b"\n")
            self._signs.flush()
            self._signed = self._since


async def run(order: Order) -> None:
    """Write one export to stdout; raises TimeoutError after its time."""
    settings = {"application_name": "probity export"}
    # A buffer of our own: Python's is none where PYTHONUNBUFFERED is set, and a header that comes
    # before a failure would pass for an answer.
    sink = os.fdopen(sys.stdout.fileno(), "wb", buffering=_BUFFER_BYTES, closefd=False)
    async with asyncio.timeout(order.seconds):
        connection = await connect(order.url, settings=settings)
        try:
            await _write(connection, order, sink)
        finally:
            connection.terminate()
    sink.flush()


async def _write(connection: Connection, order: Order, sink: BinaryIO) -> None:
    def begun(as_of_seq: int) -> None:
        sink.write(b"%d\n" % as_of_seq)

    wanted = connection, order.export, order.format
    segments = Segments(Path(order.journal_folder))
    if not order.manifest_of:
        await write_export(*wanted, sink, segments, progressed=Pace(), begun=begun)
        return
    counted = HashingSink()
    target = cast("BinaryIO", counted)
    done = await write_export(*wanted, target, segments, progressed=Pace(sink), begun=begun)
    manifest = manifest_of(
        order.export,
        order.manifest_of,
        order.format,
        counted,
        rows=done.rows,
        as_of_seq=done.as_of_seq,
    )
    sink.write(manifest_text(manifest))


def main() -> None:
    """Do what the first line says."""
    give_way(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end_with_parent(1)
    # A sink that blocks keeps the loop from its own deadline.
    ends = threading.Timer(order.seconds + 1, os._exit, (1,))
    ends.daemon = True
    ends.start()
    try:
        asyncio.run(run(order))
    except SegmentUnreadable as error:
        _fail(error, UNREADABLE)
    except Exception as error:  # noqa: BLE001 - the process ends by it
        _fail(error, 1)


def _fail(error: Exception, code: int) -> NoReturn:
    sys.stderr.write(f"the export failed: {str(error) or type(error).__name__}\n")
    sys.stderr.flush()
    # Without what is buffered: a beginning would pass for an answer.
    os._exit(code)


if __name__ == "__main__":
    main()
