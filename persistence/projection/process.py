"""The projector in a process of its own, where it keeps nobody waiting.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  the last command that is stored, a line: at the start and after each step

Laws: it is nice to everybody else; it ends with its parent, however that ends, since then nobody
holds the other end of its stdin; killed anywhere, another one goes on where the tables stand.
Several may be started: one leads, the others wait for its session to end. It imports no gateway: a
third of the memory.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import connect
from persistence.projection.accounts import AccountProjection
from persistence.projection.bets import BetProjection
from persistence.projection.books import BookProjection
from persistence.projection.candles import CandleProjection
from persistence.projection.lifecycle import LifecycleProjection
from persistence.projection.projection import Projection
from persistence.projection.projector import Projector

POLL_S: Final = 0.1
"""So long the end of the journal is left alone."""
LEAD_AGAIN_S: Final = 2.0
_NICE: Final = 10
_COLLECT: Final = (50_000, 20, 50)
"""What follows is freed by its reference count: the collector would only walk thousands of commands
and every open order again and again.
"""


def projections(accounts_kept_us: int = 0) -> tuple[Projection, ...]:
    """Return everything that is made, in the order in which it builds on each other."""
    books = BookProjection()
    return (
        books,
        CandleProjection(books.best),
        AccountProjection(kept_us=accounts_kept_us),
        LifecycleProjection(books.market_seq),
        BetProjection(),
    )


class Order(msgspec.Struct, frozen=True):
    """What the process is to do."""

    url: str
    accounts_kept_us: int
    """For so long the past of accounts is kept; 0: for ever."""
    journal_folder: str
    """Of what was moved out of the table."""


async def project(order: Order, tell: Callable[[int], None]) -> None:
    """Follow the journal until cancelled; `tell` hears the last command that is stored."""
    connection = await connect(order.url, settings={"application_name": "probity projector"})
    try:
        segments = Segments(Path(order.journal_folder))
        projector = Projector(connection, projections(order.accounts_kept_us), segments)
        while True:
            leads = await projector.lead()
            if leads:
                break
            await asyncio.sleep(LEAD_AGAIN_S)
        tell(projector.last_seq)
        while True:
            if await projector.step():
                tell(projector.last_seq)
            else:
                await asyncio.sleep(POLL_S)
    finally:
        connection.terminate()


def _tell(seq: int) -> None:
    sys.stdout.write(f"{seq}\n")
    sys.stdout.flush()


def main() -> None:
    """Run until the parent ends."""
    give_way(_NICE)
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    # Whatever is under way then wasn't stored, and is made again.
    end_with_parent(0)
    asyncio.run(project(order, _tell))


if __name__ == "__main__":
    main()
