"""How many durable commands a second do engine and journal take, submitted in one process?

Every command is submitted to the sequencer, run, committed with `synchronous_commit=on`, applied to
the committed view and answered; up to 4 000 wait at a time. What is asked of it:

    core flow       the flow of the core (`loads/flow.py`: orders and cancels on one market),
                    through the journal; the floor belongs to this one
    half crossing   pairs of orders of which the second fills the first, on twenty markets: every
                    other command is a trade, the most work a command can make; without and with
                    client ids
    resting         orders that never meet

Each flow has a database of its own, and its first part is run before anything is timed. The garbage
collector is set as the server sets it. The notes say where the time of one command goes: this
process, and the database's.
"""

import gc
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvloop

from benchmarks.core import command_for
from benchmarks.harness.report import Figure
from benchmarks.loads.exchange_flow import (
    cpu_seconds,
    fresh_database,
    half_crossing,
    opening,
    own_server,
    resting,
)
from benchmarks.loads.flow import order_flow
from exchange.messages.commands import Command
from gateway.bootstrap import garbage
from persistence.embedded.server import EmbeddedPostgres
from persistence.loop.ports import Answer
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import create_pool

if TYPE_CHECKING:
    import asyncio

ROUNDS = 5
CORE_STEPS = 50_000
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

    def stalled(self, seconds: float | None) -> None:
        """Ignore it."""


async def submit_all(sequencer: Sequencer, commands: Sequence[Command]) -> None:
    """Submit commands as fast as they are answered."""
    waiting: deque[asyncio.Future[Answer]] = deque()
    for command in commands:
        waiting.append(sequencer.submit(command))
        while len(waiting) >= WAITING:
            await waiting.popleft()
    for future in waiting:
        await future


def core_parts() -> list[list[Command]]:
    """Return the core's flow in one part for each round and one before them."""
    commands = [command_for(step) for step in order_flow((ROUNDS + 1) * CORE_STEPS)]
    return [commands[first : first + CORE_STEPS] for first in range(0, len(commands), CORE_STEPS)]


def crossing_parts(*, with_ids: bool = False) -> list[list[Command]]:
    """Return pairs of orders that meet."""
    return [half_crossing(ORDERS, number, with_ids=with_ids) for number in range(ROUNDS + 1)]


def resting_parts() -> list[list[Command]]:
    """Return orders that never meet."""
    return [resting(ORDERS, number) for number in range(ROUNDS + 1)]


async def run_parts(
    server: EmbeddedPostgres, name: str, parts: list[list[Command]], floor: float | None = None
) -> Figure:
    """Run the parts one after another on a fresh database; the first is not timed."""
    url = await fresh_database(server)
    recovered = await recover(url)
    pool = await create_pool(url, size=2)
    observer = BatchSizes()
    sequencer = Sequencer(recovered, pool, observer=observer)
    sequencer.start()
    garbage.settle()
    await submit_all(sequencer, opening())
    await submit_all(sequencer, parts[0])
    backend = recovered.connection.get_server_pid()
    rates: list[float] = []
    notes = ""
    for commands in parts[1:]:
        gc.collect()
        observer.__init__()  # type: ignore[misc]
        started, ours, theirs = time.perf_counter(), time.process_time(), cpu_seconds(backend)
        await submit_all(sequencer, commands)
        elapsed, count = time.perf_counter() - started, len(commands)
        rates.append(count / elapsed)
        ours_us = (time.process_time() - ours) / count * 1e6
        theirs_us = (cpu_seconds(backend) - theirs) / count * 1e6
        notes = (
            f"each: {ours_us:.1f} us here, {theirs_us:.1f} us in the database;"
            f" {count / len(observer.sizes):.0f} a batch,"
            f" committing {observer.commit_s / elapsed:.0%} of the time"
        )
    await sequencer.stop()
    await pool.close()
    return Figure(name, "commands/s", rates, floor, notes)


async def _measure() -> list[Figure]:
    async with own_server() as server:
        return [
            await run_parts(server, "engine + journal, core flow", core_parts(), FLOOR),
            await run_parts(server, "engine + journal, half crossing", crossing_parts()),
            await run_parts(
                server,
                "engine + journal, half crossing, client ids",
                crossing_parts(with_ids=True),
            ),
            await run_parts(server, "engine + journal, resting", resting_parts()),
        ]


def measure() -> list[Figure]:
    """Return commands/s of each flow."""
    return uvloop.run(_measure())
