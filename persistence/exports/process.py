"""One export in a process of its own: what is wanted comes by stdin, the rows go to stdout.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  the file

Laws: it gives way to everybody; it ends with whoever started it, and after its time; whoever reads
slowly holds up nothing but it, since stdout is a pipe that fills.
"""

import asyncio
import os
import sys
import threading
from typing import Final

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.exports.export import write_export
from persistence.exports.kinds import Export, Format
from persistence.postgres.database import connect

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.exports.process")
_NICE: Final = 10


class Order(msgspec.Struct, frozen=True):
    """What the process is to do."""

    url: str
    export: Export
    format: Format
    seconds: float


async def run(order: Order) -> None:
    """Write one export to stdout; raises TimeoutError after its time."""
    settings = {"application_name": "probity export"}
    async with asyncio.timeout(order.seconds):
        connection = await connect(order.url, settings=settings)
        try:
            await write_export(connection, order.export, order.format, sys.stdout.buffer)
        finally:
            connection.terminate()
    sys.stdout.buffer.flush()


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
    except Exception as error:  # noqa: BLE001 - the process ends by it
        sys.stderr.write(f"the export failed: {str(error) or type(error).__name__}\n")
        sys.stderr.flush()
        # Without what is buffered: a beginning would pass for an answer.
        os._exit(1)


if __name__ == "__main__":
    main()
