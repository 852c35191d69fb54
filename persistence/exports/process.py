"""One export in a process of its own: what is wanted comes by stdin, the rows go to stdout.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  the file

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
from typing import Final, NoReturn

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.errors import SegmentUnreadable
from persistence.exports.export import write_export
from persistence.exports.kinds import Export, Format
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import connect

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.exports.process")
UNREADABLE: Final = 4
"""The exit code when what is to be replayed lies in a file that can't be read."""
_NICE: Final = 19
_REST: Final = 2.0
"""For so many times as long as it worked it rests."""
_REST_MOST_S: Final = 0.5
"""Who waits for a slow reader has rested already."""
_BUFFER_BYTES: Final = 64 * 1_024


class Order(msgspec.Struct, frozen=True):
    """What the process is to do."""

    url: str
    export: Export
    format: Format
    seconds: float
    journal_folder: str
    """Of what was moved out of the journal's table."""


class Pace:
    """Rests after each part that was written, in proportion to the time it took."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self, _rows: int) -> None:
        """Sleep; in a process of its own nobody else waits for that."""
        worked = time.monotonic() - self._since
        time.sleep(min(_REST * worked, _REST_MOST_S))
        self._since = time.monotonic()


async def run(order: Order) -> None:
    """Write one export to stdout; raises TimeoutError after its time."""
    settings = {"application_name": "probity export"}
    # A buffer of our own: Python's is none where PYTHONUNBUFFERED is set, and a header that comes
    # before a failure would pass for an answer.
    sink = os.fdopen(sys.stdout.fileno(), "wb", buffering=_BUFFER_BYTES, closefd=False)
    async with asyncio.timeout(order.seconds):
        connection = await connect(order.url, settings=settings)
        try:
            segments = Segments(Path(order.journal_folder))
            await write_export(
                connection, order.export, order.format, sink, segments, progressed=Pace()
            )
        finally:
            connection.terminate()
    sink.flush()


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
