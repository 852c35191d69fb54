"""How many durable orders a second do engine and journal take, submitted in one process?

Half of the orders cross. Every order is submitted to the sequencer, run, committed with
`synchronous_commit=on`, applied to the committed view and answered; up to 4 000 wait at a time. The
notes say where the time of one order goes: this process, and the database's.
"""

import gc
import time
from collections import deque
from typing import TYPE_CHECKING

import uvloop

from benchmarks.exchange_flow import (
    cpu_seconds,
    fresh_database,
    half_crossing,
    opening,
    own_server,
)
from benchmarks.report import Figure
from exchange.commands import Command
from persistence.database import create_pool
from persistence.recovery import recover
from persistence.sequencer import Sequencer

if TYPE_CHECKING:
    import asyncio

    from persistence.ports import Answer

ROUNDS = 5
ORDERS = 20_000
WAITING = 4_000
FLOOR = 40_000


class BatchSizes:
    """An observer that keeps the sizes of batches and the time of their commits."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.commit_s = 0.0

    def executed(self, commands: int, seconds: float) -> None:
        """Ignore it."""

    def committed(self, commands: int, seconds: float, last_seq: int, epoch: int) -> None:  # noqa: ARG002 - the port's
        """Keep it."""
        self.sizes.append(commands)
        self.commit_s += seconds

    def queued(self, depth: int) -> None:
        """Ignore it."""


async def submit_all(sequencer: Sequencer, commands: list[Command]) -> None:
    """Submit commands as fast as they are answered."""
    waiting: deque[asyncio.Future[Answer]] = deque()
    for command in commands:
        waiting.append(sequencer.submit(command))
        while len(waiting) >= WAITING:
            await waiting.popleft()
    for future in waiting:
        await future


async def _rounds(*, with_ids: bool) -> tuple[list[float], str]:
    rates: list[float] = []
    notes = ""
    async with own_server() as server:
        url = await fresh_database(server)
        recovered = await recover(url)
        pool = await create_pool(url, size=2)
        observer = BatchSizes()
        sequencer = Sequencer(recovered, pool, observer=observer)
        sequencer.start()
        await submit_all(sequencer, opening())
        backend = recovered.connection.get_server_pid()
        for number in range(ROUNDS + 1):
            orders = half_crossing(ORDERS, number, with_ids=with_ids)
            gc.collect()
            observer.__init__()  # type: ignore[misc]
            started, ours, theirs = time.perf_counter(), time.process_time(), cpu_seconds(backend)
            await submit_all(sequencer, orders)
            elapsed = time.perf_counter() - started
            if number:
                rates.append(ORDERS / elapsed)
            ours_us = (time.process_time() - ours) / ORDERS * 1e6
            theirs_us = (cpu_seconds(backend) - theirs) / ORDERS * 1e6
            notes = (
                f"per order: {ours_us:.1f} us here, {theirs_us:.1f} us in the database;"
                f" {ORDERS / len(observer.sizes):.0f} a batch,"
                f" committing {observer.commit_s / elapsed:.0%} of the time"
            )
        await sequencer.stop()
        await pool.close()
    return rates, notes


def measure() -> list[Figure]:
    """Return orders/s without and with client ids."""
    figures = []
    for with_ids in (False, True):
        rates, note = uvloop.run(_rounds(with_ids=with_ids))
        name = "engine + journal, half crossing" + (", client ids" if with_ids else "")
        floor = None if with_ids else FLOOR
        figures.append(Figure(name, "orders/s", rates, floor=floor, note=note))
    return figures
