"""Where the engine meets the rest: commands in, answers back, committed executions out.

::

    CommandPort.submit(command) -> Future[Answer]        from the gateway, in the sender's order
    ExecutionListener.on_execution(execution, view)      to the fan-out, after the commit
    BatchListener.on_batch(row)                          to other processes, after the commit
    EngineObserver                                       to the metrics

Laws: `submit` enqueues before it returns; nothing is answered or published before its commit; no
listener awaits, and the engine never waits for one. `sequencer` implements the first; whoever
composes the process hands it the others.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from exchange.messages.commands import Command
from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.model.state import State
from persistence.journal.rows import JournalRow


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came of a command, with the cash of its account right after it.

    A repeat under the same client id gets the first command's answer and `replayed`. Commands
    without an account have no cash. `repeats` are the first answers of those operations of a batch
    whose ids came again, in their order.
    """

    seq: int
    at: int
    events: Sequence[Event]
    available: int
    locked: int
    replayed: bool = False
    repeats: tuple["Answer", ...] = ()


class CommandPort(Protocol):
    """The way in."""

    @property
    def is_open(self) -> bool:
        """Whether commands are taken: recovered, leading, not draining."""

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        """Enqueue at once; the future is done after the commit.

        Raises:
            QueueFull, EngineClosed, EngineStalled: the command was not taken and did nothing.

        The future raises what `authority.Authority.refusal` gives if the right by which the command
        was sent has ended before the engine took it; it did nothing then.
        It raises OutcomeUnknown if a commit was neither confirmed nor refused, or takes
        longer than whoever waits is made to wait.
        """


class ExecutionListener(Protocol):
    """A reader of what was committed."""

    def on_execution(self, execution: Execution, view: State) -> None:
        """Take one command's events, applied to `view`; `view.dirty` lists what they changed.

        Called once per command, in order, before the command is answered. Must not await, keep
        `view.dirty`, or raise: an error here stops the engine.
        """


class BatchListener(Protocol):
    """A reader of committed batches as the journal keeps them."""

    def on_batch(self, row: JournalRow) -> None:
        """Take a batch, right after its commit; must not await or raise."""


class EngineObserver(Protocol):
    """A reader of how the engine is doing."""

    def executed(self, commands: int, seconds: float) -> None:
        """Note that the rules ran on so many commands."""

    def committed(self, commands: int, seconds: float, last_seq: int, epoch: int) -> None:
        """Note a batch that is committed, and how long its commit took."""

    def queued(self, depth: int) -> None:
        """Note how many commands wait."""

    def stalled(self, seconds: float | None) -> None:
        """Note that the database hasn't answered for so long; None: that it does again."""


class Unobserved:
    """An observer that looks away."""

    def executed(self, commands: int, seconds: float) -> None:
        """Ignore it."""

    def committed(self, commands: int, seconds: float, last_seq: int, epoch: int) -> None:
        """Ignore it."""

    def queued(self, depth: int) -> None:
        """Ignore it."""

    def stalled(self, seconds: float | None) -> None:
        """Ignore it."""
