"""The batch that is growing: commands that ran in memory and wait to be written together.

Laws: a batch owns the executions, their waiting futures and their rows, in one order; timers have
nobody waiting. It grows only while the batch before it is being committed; it never outgrows the
margin within which a looked-up client id stays true (`exchange.model.idempotency`).
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from exchange.engine import Engine
from exchange.messages.bounds import BATCH_COMMANDS
from exchange.messages.commands import Timer
from exchange.messages.execution import Execution
from exchange.proof.running_balances import RunningBalances
from persistence.journal.batch_rows import BatchRows, add_execution, add_ids
from persistence.journal.journal import Journal, SealedBatch
from persistence.loop.command_queue import Waiting
from persistence.loop.ports import Answer

BATCH_BOUND: Final = BATCH_COMMANDS // 2
"""Two batches, one in flight and one growing, stay within the margin."""


class Batch:
    """Commands that ran, with whoever waits for each."""

    __slots__ = ("_rows", "executions", "futures", "sealed")

    def __init__(self) -> None:
        self.executions: list[Execution] = []
        self.futures: list[asyncio.Future[Answer] | None] = []
        self.sealed: SealedBatch | None = None
        self._rows = BatchRows()

    def __len__(self) -> int:
        return len(self.executions)

    @property
    def can_grow(self) -> bool:
        """Whether more commands may run in it."""
        return self.sealed is None and len(self.executions) < BATCH_BOUND

    def run(
        self, engine: Engine, balances: RunningBalances, at: int, waiting: list[Waiting]
    ) -> None:
        """Run the timers due at `at`, then these commands, and make their rows."""
        executions = engine.run(at, [item.command for item in waiting])
        timers = len(executions) - len(waiting)
        self.executions += executions
        self.futures += [None] * timers
        self.futures += [item.future for item in waiting]
        for execution in executions:
            add_execution(self._rows, balances, execution)
        if executions:
            add_ids(self._rows, engine.state, executions)

    def seal(self, engine: Engine, balances: RunningBalances, journal: Journal) -> SealedBatch:
        """End the batch and chain it to the one before."""
        self.sealed = journal.seal(engine.state, self._rows, balances)
        return self.sealed

    def commands(self) -> Iterator[Waiting]:
        """Yield what was asked for, timers left out: they come again by themselves."""
        for execution, future in zip(self.executions, self.futures, strict=True):
            if future is not None:
                yield Waiting(execution.command, future)
            elif not isinstance(execution.command, Timer):
                raise TypeError(f"nobody waits for {execution.command}")
