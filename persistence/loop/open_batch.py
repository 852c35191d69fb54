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
from exchange.messages.command_bases import Timer
from exchange.messages.commands import TriggerOrder, operations_of
from exchange.messages.errors import InvariantViolated
from exchange.messages.execution import Execution
from exchange.proof.running_balances import RunningBalances
from persistence.journal.batch_rows import BatchRows, add_execution, add_ids
from persistence.journal.journal import Journal, SealedBatch
from persistence.loop.authority import NOWHERE, Arrived, Authority, Place
from persistence.loop.command_queue import Waiting
from persistence.loop.ports import Answer

BATCH_BOUND: Final = BATCH_COMMANDS // 2
"""Two batches, one in flight and one growing, stay within the margin."""
HURRIED_BOUND: Final = 192
"""The same while cancels come: each waits for the rest of the batch before its own, and for all of
its own to be committed and told. Larger ones would do no more a second before a network does."""


class Batch:
    """Commands that ran, with whoever waits for each."""

    __slots__ = (
        "_most",
        "_rights",
        "_rows",
        "executions",
        "futures",
        "operations",
        "reached",
        "sealed",
    )

    def __init__(self, *, is_hurried: bool = False) -> None:
        """Make an empty batch; one that somebody is in a hurry for stays small."""
        self._most = HURRIED_BOUND if is_hurried else BATCH_BOUND
        self.executions: list[Execution] = []
        self.futures: list[asyncio.Future[Answer] | None] = []
        self.operations = 0
        """What ran, a batch of orders counted as its operations."""
        self.reached: Place = NOWHERE
        """The furthest place in the stream of commands of what ran in it."""
        self.sealed: SealedBatch | None = None
        self._rows = BatchRows()
        self._rights: dict[asyncio.Future[Answer], Authority] = {}
        """By which that may end each was sent, of those that were."""

    def __len__(self) -> int:
        return len(self.executions)

    @property
    def can_grow(self) -> bool:
        """Whether more commands may run in it."""
        return self.sealed is None and self.operations < self._most

    def run_timers(
        self,
        engine: Engine,
        balances: RunningBalances,
        at: int,
        most: int,
        *,
        left: bool = False,
    ) -> None:
        """Run timers due at `at`, at most so many and at most until the batch is full; work that
        is left over only if asked to.
        """
        most = min(most, self._most - self.operations)
        self._add_own(engine, balances, engine.run_timers(at, most, left=left))

    def run_triggers(self, engine: Engine, balances: RunningBalances, at: int, most: int) -> int:
        """Trigger orders that are due, at most so many and until the batch is full; return how
        many.
        """
        most = min(most, self._most - self.operations)
        executions = engine.run_triggers(at, most)
        self._add_own(engine, balances, executions)
        return sum(type(execution.command) is TriggerOrder for execution in executions)

    def run_halts(self, engine: Engine, balances: RunningBalances, at: int) -> None:
        """Halt the markets that moved too far, all of them."""
        self._add_own(engine, balances, engine.run_halts(at))

    def run(
        self, engine: Engine, balances: RunningBalances, at: int, waiting: list[Waiting]
    ) -> list[Waiting]:
        """Run these commands at `at`, for which no timer is due any more, and make their rows.

        Stops behind one that reached orders, which are triggered before the next, or that moved a
        market too far, which is halted; returns those that haven't run.
        """
        state = engine.state
        at = max(at, state.now)
        if state.timers.is_due(at):
            raise InvariantViolated(f"a timer was due at {at} before {len(waiting)} commands")
        executions = engine.run_until_due(at, [item.command for item in waiting])
        for item in waiting[: len(executions)]:
            self.futures.append(item.future)
            right = item.authority
            if right is not None:
                self._rights[item.future] = right
            if type(right) is Arrived and right.place > self.reached:
                self.reached = right.place
        self._add(engine, balances, executions)
        return waiting[len(executions) :]

    def _add_own(
        self, engine: Engine, balances: RunningBalances, executions: list[Execution]
    ) -> None:
        """Add what the engine gave itself, for which nobody waits."""
        self.futures += [None] * len(executions)
        self._add(engine, balances, executions)

    def _add(self, engine: Engine, balances: RunningBalances, executions: list[Execution]) -> None:
        self.executions += executions
        for execution in executions:
            add_execution(self._rows, balances, execution)
            self.operations += operations_of(execution.command)
        if executions:
            add_ids(self._rows, engine.state, executions)

    def seal(self, engine: Engine, balances: RunningBalances, journal: Journal) -> SealedBatch:
        """End the batch and chain it to the one before."""
        journal.reach(self.reached)
        self.sealed = journal.seal(engine.state, self._rows, balances)
        return self.sealed

    def commands(self) -> Iterator[Waiting]:
        """Yield what was asked for, timers left out: they come again by themselves."""
        for execution, future in zip(self.executions, self.futures, strict=True):
            if future is not None:
                yield Waiting(execution.command, future, self._rights.get(future))
            elif not isinstance(execution.command, Timer):
                raise TypeError(f"nobody waits for {execution.command}")
