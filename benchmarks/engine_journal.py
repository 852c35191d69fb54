"""How many durable commands a second do engine and journal take, submitted in one process?

Every command is submitted to the sequencer, run, committed with `synchronous_commit=on`, applied to
the committed view and answered; up to 4 000 wait at a time. What is asked of it:

    core flow       the flow of the core (`loads/flow.py`: orders and cancels on one market),
                    through the journal
    half crossing   pairs of orders of which the second fills the first, on twenty markets: every
                    other command is a trade, the most work a command can make; without and with
                    client ids, in turn
    resting         orders that never meet

Each flow has a database of its own, and its first part is run before anything is timed. The garbage
collector is set as the server sets it. The notes say where the time of one command goes: this
process, and the database's.

The yardstick is a bare COPY (`yardsticks/bare_copy.py`) on the same server, after each round: as
many rows of as many bytes as the journal writes for the round's commands, in as many commits as the
engine made on average. Only the flow with client ids stands beside the same one without.
"""

import gc
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import uvloop

from benchmarks.core import command_for
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.exchange_flow import (
    cpu_seconds,
    fresh_database,
    half_crossing,
    opening,
    own_server,
    resting,
)
from benchmarks.loads.flow import order_flow
from benchmarks.yardsticks import bare_copy
from exchange.messages.commands import Command
from gateway.bootstrap import garbage
from persistence.embedded.server import EmbeddedPostgres
from persistence.loop.ports import Answer
from persistence.loop.recovery import Recovered, recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import DeadlinePool, create_pool

if TYPE_CHECKING:
    import asyncio

ROUNDS = 5
CORE_STEPS = 50_000
ORDERS = 20_000
WAITING = 4_000
NAME = "engine + journal"
CORE_AT_LEAST = 0.1
CROSSING_AT_LEAST = 0.1
RESTING_AT_LEAST = 0.1
WITH_IDS_AT_LEAST = 0.75


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


class Exchange:
    """A sequencer on a fresh database, and what was measured of it."""

    def __init__(self, recovered: Recovered, pool: DeadlinePool) -> None:
        self.rates: list[float] = []
        self.note = ""
        self.batch_size = 1
        self._pool = pool
        self._observer = BatchSizes()
        self._backend = recovered.connection.get_server_pid()
        self._sequencer = Sequencer(recovered, pool, observer=self._observer)

    @classmethod
    async def start(cls, url: str, warm_up: list[Command]) -> Self:
        """Open accounts and markets and run some commands that aren't timed."""
        exchange = cls(await recover(url), await create_pool(url, size=2))
        exchange._sequencer.start()
        garbage.settle()
        await submit_all(exchange._sequencer, opening())
        await submit_all(exchange._sequencer, warm_up)
        return exchange

    async def run(self, commands: list[Command]) -> None:
        """Time one round."""
        gc.collect()
        self._observer.__init__()  # type: ignore[misc]
        started, ours, theirs = self._clocks()
        await submit_all(self._sequencer, commands)
        ended, ours_after, theirs_after = self._clocks()
        elapsed, count = ended - started, len(commands)
        self.rates.append(count / elapsed)
        mean = count / len(self._observer.sizes)
        self.batch_size = round(mean)
        self.note = (
            f"each: {(ours_after - ours) / count * 1e6:.1f} us here,"
            f" {(theirs_after - theirs) / count * 1e6:.1f} us in the database; {mean:.0f} a batch,"
            f" committing {self._observer.commit_s / elapsed:.0%} of the time"
        )

    def _clocks(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), cpu_seconds(self._backend)

    async def stop(self) -> None:
        """Stop it and close its connections."""
        await self._sequencer.stop()
        await self._pool.close()


Parts = list[list[Command]]


async def run_parts(
    server: EmbeddedPostgres,
    name: str,
    parts: Parts,
    at_least: float | None = None,
    with_ids: Parts | None = None,
) -> list[Figure]:
    """Run the parts of a flow one after another, and a bare COPY of the same rows after each.

    The first part isn't timed. The same flow with client ids, if given, takes turns with it.
    """
    copied: list[float] = []
    exchanges = []
    async with bare_copy.bare_copy(server) as copy:
        flows = [parts] if with_ids is None else [parts, with_ids]
        for number, flow in enumerate(flows):
            url = await fresh_database(server, f"flow_{number}")
            exchanges.append(await Exchange.start(url, flow[0]))
        for turn in range(1, len(parts)):
            for exchange, flow in zip(exchanges, flows, strict=True):
                await exchange.run(flow[turn])
            if turn == 1:
                await copy.commands_per_s(parts[0], exchanges[0].batch_size)
            copied.append(await copy.commands_per_s(parts[turn], exchanges[0].batch_size))
        for exchange in exchanges:
            await exchange.stop()
    yardsticks = [Yardstick(bare_copy.NAME, copied, at_least=at_least)]
    yardsticks += [Yardstick("the same without", exchanges[0].rates, at_least=WITH_IDS_AT_LEAST)]
    names = [name, f"{name}, client ids"]
    return [
        Figure(name, "commands/s", exchange.rates, exchange.note, yardstick)
        for name, exchange, yardstick in zip(names, exchanges, yardsticks, strict=False)
    ]


async def _measure() -> list[Figure]:
    async with own_server() as server:
        core = await run_parts(server, f"{NAME}, core flow", core_parts(), CORE_AT_LEAST)
        crossing = await run_parts(
            server,
            f"{NAME}, half crossing",
            crossing_parts(),
            CROSSING_AT_LEAST,
            crossing_parts(with_ids=True),
        )
        resting = await run_parts(server, f"{NAME}, resting", resting_parts(), RESTING_AT_LEAST)
        return [*core, *crossing, *resting]


def measure() -> list[Figure]:
    """Return commands/s of each flow."""
    return uvloop.run(_measure())
