"""The projector in a process of its own, where it keeps nobody waiting.

    stdin   the database's URL, a line, and for how many microseconds the past of accounts is kept,
            a line; its end is this process's end
    stdout  the last command that is stored, a line: at the start and after each step

Laws: it is nice to everybody else; it ends with its parent, however that ends, since then nobody
holds the other end of its stdin; killed anywhere, another one goes on where the tables stand.
Several may be started: one leads, the others wait for its session to end. It imports no gateway: a
third of the memory.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Final

from persistence.child import end_with_parent, give_way
from persistence.postgres.database import connect
from persistence.projection.accounts import AccountProjection
from persistence.projection.books import BookProjection
from persistence.projection.candles import CandleProjection
from persistence.projection.lifecycle import LifecycleProjection
from persistence.projection.projection import Projection
from persistence.projection.projector import Projector

POLL_S: Final = 0.1
"""So long the end of the journal is left alone."""
LEAD_AGAIN_S: Final = 2.0
_NICE: Final = 10


def projections(accounts_kept_us: int = 0) -> tuple[Projection, ...]:
    """Return everything that is made, in the order in which it builds on each other."""
    books = BookProjection()
    return (
        books,
        CandleProjection(books.best),
        AccountProjection(kept_us=accounts_kept_us),
        LifecycleProjection(books.market_seq),
    )


async def project(url: str, accounts_kept_us: int, tell: Callable[[int], None]) -> None:
    """Follow the journal until cancelled; `tell` hears the last command that is stored."""
    connection = await connect(url, settings={"application_name": "probity projector"})
    try:
        projector = Projector(connection, projections(accounts_kept_us))
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
    url, accounts_kept_us = sys.stdin.readline().strip(), int(sys.stdin.readline())
    # Whatever is under way then wasn't stored, and is made again.
    end_with_parent(0)
    asyncio.run(project(url, accounts_kept_us, _tell))


if __name__ == "__main__":
    main()
