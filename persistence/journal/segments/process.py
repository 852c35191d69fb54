"""Moving what is old enough, in a process of its own, where it keeps nobody waiting.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  each segment that was moved, a line of JSON

Laws: it gives way to everybody, and rests after each segment as long as that took, so that the
engine's commits find the disk free; it ends with whoever started it; killed anywhere, another one
goes on.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.journal.segments.mover import SESSION, JournalMover, MoverBusy
from persistence.journal.segments.segments import Segment
from persistence.postgres.database import connect

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.journal.segments.process")
BUSY: Final = 3
"""The exit code when another process moves the journal."""
_NICE: Final = 10


class Order(msgspec.Struct, frozen=True):
    """What the process is to do."""

    url: str
    folder: str
    kept_us: int
    behind_projector: bool


async def move_all(order: Order, *, partly: bool = False) -> AsyncIterator[Segment]:
    """Yield each segment that was moved; raises what `JournalMover` does, OSError."""
    connection = await connect(order.url, settings=SESSION)
    try:
        mover = JournalMover(
            connection,
            Path(order.folder),
            kept_us=order.kept_us,
            behind_projector=order.behind_projector,
        )
        await mover.begin()
        while True:
            started = time.monotonic()
            segment = await mover.move(partly=partly)
            if segment is None:
                return
            yield segment
            await asyncio.sleep(time.monotonic() - started)
    finally:
        connection.terminate()


async def run(order: Order) -> None:
    """Move all that is old enough and fills a file."""
    async for segment in move_all(order):
        sys.stdout.buffer.write(msgspec.json.encode(segment) + b"\n")
        sys.stdout.flush()


def main() -> None:
    """Do what the first line says."""
    give_way(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end_with_parent(1)
    try:
        asyncio.run(run(order))
    except MoverBusy:
        sys.exit(BUSY)
    except Exception as error:  # noqa: BLE001 - the process ends by it
        sys.stderr.write(f"{str(error) or type(error).__name__}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
