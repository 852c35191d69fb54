"""The committed view moves: what a commit makes true becomes visible, command by command.

Laws: called after the commit and before the answer (RULEBOOK 11); each command's events are applied
by the same code that applied them on the live state; a listener sees the view right after its
command; the event loop gets its turn every few milliseconds.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from exchange import transitions
from exchange.engine import Execution
from exchange.events import CommandReplayed
from exchange.state import State
from persistence.answers import first_answer
from persistence.command_queue import account_of
from persistence.errors import OutcomeUnknown, PersistenceError
from persistence.journal_reader import Fetching
from persistence.open_batch import Batch
from persistence.ports import Answer, ExecutionListener

TURN_S: Final = 0.005
"""How long one package of work may keep the event loop."""
_COMMANDS_BETWEEN_LOOKS: Final = 32


class Publisher:
    """Applies committed batches to the view, tells the listeners, answers."""

    def __init__(
        self, view: State, store: Fetching, listeners: Sequence[ExecutionListener]
    ) -> None:
        self.view = view
        self._store = store
        self._listeners = list(listeners)
        self._repeats: set[asyncio.Task[None]] = set()

    async def publish(self, batch: Batch) -> None:
        """Make a committed batch visible and answer its commands, in order."""
        turn_ends = time.monotonic() + TURN_S
        for number, execution in enumerate(batch.executions):
            answer = self._apply(execution)
            future = batch.futures[number]
            if future is not None and not future.done():
                first = execution.events[0]
                if isinstance(first, CommandReplayed):
                    self._answer_repeat(future, first.first_seq, account_of(execution.command))
                else:
                    future.set_result(answer)
            if number % _COMMANDS_BETWEEN_LOOKS == 0 and time.monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + TURN_S

    async def close(self) -> None:
        """Wait until the repeats under way are answered."""
        if self._repeats:
            await asyncio.wait(self._repeats)

    def _apply(self, execution: Execution) -> Answer:
        view, seq, at, events = self.view, execution.seq, execution.at, execution.events
        transitions.begin(view, seq, at)
        for event in events:
            transitions.apply(view, event)
        for listener in self._listeners:
            listener.on_execution(execution, view)
        view.dirty.clear()
        account = view.accounts.get(account_of(execution.command))
        if account is None:
            return Answer(seq, at, events, 0, 0)
        return Answer(seq, at, events, account.available, account.locked)

    def _answer_repeat(
        self, future: asyncio.Future[Answer], first_seq: int, account_id: int
    ) -> None:
        task = asyncio.create_task(self._repeat(future, first_seq, account_id))
        self._repeats.add(task)
        task.add_done_callback(self._repeats.discard)

    async def _repeat(
        self, future: asyncio.Future[Answer], first_seq: int, account_id: int
    ) -> None:
        try:
            answer = await first_answer(self._store, first_seq, account_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must hear of it
            refuse(future, error)
        else:
            if not future.done():
                future.set_result(answer)


def refuse(future: asyncio.Future[Answer], cause: BaseException) -> None:
    """Tell one client that the outcome of its command is unknown."""
    if future.done():
        return
    reason = str(cause) if isinstance(cause, PersistenceError) else type(cause).__name__
    error = OutcomeUnknown(f"the outcome is unknown, ask again under the same id: {reason}")
    error.__cause__ = cause
    future.set_exception(error)
    # The client may be gone; an answer that nobody fetches is no fault of ours.
    future.exception()
