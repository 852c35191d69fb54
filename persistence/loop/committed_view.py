"""The committed view moves: what a commit makes true becomes visible, command by command.

Laws: called after the commit and before the answer (RULEBOOK 11); each command's events are applied
by the same code that applied them on the live state; a listener sees the view right after its
command; the event loop gets its turn every millisecond.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from exchange.messages.commands import Command, PlaceOrder
from exchange.messages.events import CommandReplayed, OperationRun
from exchange.messages.execution import Execution
from exchange.model.state import State
from exchange.transitions import transitions
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.loop.first_answers import Asked, Repeats
from persistence.loop.open_batch import Batch
from persistence.loop.ports import Answer, ExecutionListener
from persistence.postgres.database import Fetching

TURN_S: Final = 0.001
"""How long one package of work may keep the event loop; database and clients wait meanwhile."""
COMMANDS_BETWEEN_LOOKS: Final = 32
"""So many commands run before the clock is looked at."""


def apply_committed(
    view: State, execution: Execution, listeners: Sequence[ExecutionListener]
) -> None:
    """Make one committed command visible and tell the listeners."""
    transitions.begin(view, execution.seq, execution.at)
    for event in execution.events:
        transitions.apply(view, event)
    for listener in listeners:
        listener.on_execution(execution, view)
    view.dirty.clear()


def _asked(command: Command, seq: int) -> Asked:
    name = command.client_order_id if isinstance(command, PlaceOrder) else None
    return Asked(seq, command.account_id, name)


def _has_repeats(execution: Execution) -> bool:
    return any(type(event) is CommandReplayed for event in execution.events)


class CommittedView:
    """Applies committed batches to the view, tells the listeners, answers."""

    def __init__(
        self,
        view: State,
        store: Fetching,
        listeners: Sequence[ExecutionListener],
        segments: Segments | None,
    ) -> None:
        self.view = view
        self._listeners = list(listeners)
        self._repeats = Repeats(JournalSource(store, segments))

    async def publish(self, batch: Batch) -> None:
        """Make a committed batch visible and answer its commands, in order."""
        turn_ends = time.monotonic() + TURN_S
        for number, execution in enumerate(batch.executions):
            answer = self._apply(execution)
            future = batch.futures[number]
            if future is not None and not future.done():
                first = execution.events[0]
                if isinstance(first, CommandReplayed):
                    self._repeats.add(_asked(execution.command, first.first_seq), future)
                elif isinstance(first, OperationRun) and _has_repeats(execution):
                    self._repeats.add(
                        _asked(execution.command, execution.seq), future, replayed=False
                    )
                else:
                    future.set_result(answer)
            if number % COMMANDS_BETWEEN_LOOKS == 0 and time.monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + TURN_S

    async def close(self) -> None:
        """Wait until the repeats under way are answered."""
        await self._repeats.close()

    def _apply(self, execution: Execution) -> Answer:
        view, seq, at, events = self.view, execution.seq, execution.at, execution.events
        apply_committed(view, execution, self._listeners)
        account = view.accounts.get(execution.command.account_id)
        if account is None:
            return Answer(seq, at, events, 0, 0)
        return Answer(seq, at, events, account.available, account.locked)
