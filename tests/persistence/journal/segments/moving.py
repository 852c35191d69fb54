"""An exchange whose journal is moved to files, and everything that readers say of it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from exchange.messages.events import OrderPlaced, TradeExecuted
from persistence.journal.marked import mark_of, marked_payloads
from persistence.journal.reader import (
    executions_after,
    executions_at,
    hash_at,
    rows_after,
    rows_between,
    stream,
)
from persistence.journal.rows import JournalRow
from persistence.journal.scattered import row_sizes, rows_at
from persistence.journal.segments.mover import SESSION, JournalMover
from persistence.journal.segments.segments import Segment, Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import DeadlinePool, connect
from persistence.proof.verification import verify
from tests.lengths import length
from tests.persistence.random_orders import commands
from tests.persistence.running import Running

MARKS = [mark_of(OrderPlaced), mark_of(TradeExecuted)]
KEPT = 100
SEGMENT_BYTES = 12_000


def random(name: str = "SEED") -> Random:
    seed = int(os.environ.get(name, Random().randrange(2**32)))
    print(f"{name}={seed}")
    return Random(seed)


async def trade(engine: Running, count: int, seed: int) -> None:
    """Commands in batches of all sizes."""
    some = [*commands(seed, count)]
    while some:
        part, some = some[: seed % 7 + 1], some[seed % 7 + 1 :]
        await engine.send_all(*part)
        seed = seed * 5 + 1


@asynccontextmanager
async def mover(url: str, folder: Path, **options: Any) -> AsyncIterator[JournalMover]:
    """A mover that may take everything but the last hundred commands."""
    connection = await connect(url, settings=SESSION)
    options = {"kept_us": 0, "kept_commands": KEPT, "segment_bytes": SEGMENT_BYTES} | options
    try:
        yield JournalMover(connection, folder, **options)
    finally:
        connection.terminate()
        await asyncio.sleep(0)


async def move_all(url: str, folder: Path, **options: Any) -> list[Segment]:
    found = []
    async with mover(url, folder, **options) as one:
        await one.begin()
        while (segment := await one.move(partly=True)) is not None:
            found.append(segment)
    return found


def flipped(path: Path, dice: Random) -> None:
    """Change a bit of a file."""
    content = bytearray(path.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


async def streamed(url: str, segments: Segments | None) -> list[JournalRow]:
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [row async for row in stream(connection, segments)]
    finally:
        await connection.close()


async def everything_read(
    pool: DeadlinePool, segments: Segments | None, dice: Random, last: int
) -> list[Any]:
    """What every reader says of the journal up to the command `last`, which ends a batch, at places
    that the dice choose.
    """
    journal = JournalSource(pool, segments)
    whole = [row for row in await streamed(pool.url, segments) if row.last_seq <= last]
    told: list[Any] = [whole]
    for _ in range(length(8, long=100)):
        begin, end = sorted(dice.choices(range(1, last + 1), k=2))
        seqs = sorted(set(dice.choices(range(1, last + 1), k=dice.choice((1, 5, 60)))))
        told += [
            await rows_after(journal, whole[dice.randrange(len(whole) - 4)].last_seq),
            await rows_between(journal, begin, end),
            await rows_between(journal, begin, begin),
            [one for one in await executions_after(journal, begin - 1) if one.seq <= last],
            await executions_at(journal, seqs),
            await rows_at(journal, seqs),
            await row_sizes(journal, seqs),
            await marked_payloads(journal, begin, end, MARKS[: dice.choice((1, 2))]),
            await hash_at(journal, begin),
            await hash_at(journal, whole[dice.randrange(len(whole))].last_seq),
        ]
    return [*told, await rows_after(journal, 0), await rows_between(journal, 0, last)]


async def last_of(engine: Running) -> int:
    """The last command of the newest batch."""
    last: int = await engine.pool.fetchval("SELECT max(last_seq) FROM journal")
    return last


async def failed(url: str, folder: Path) -> list[str]:
    """What `verify` finds wrong."""
    connection = await connect(url)
    try:
        results = [one async for one in verify(connection, None, Segments(folder))]
    finally:
        await connection.close()
    return [one.detail for one in results if not one.passed]
