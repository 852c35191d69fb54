"""The journal run again: events applied from genesis, commands executed anew and compared.

Laws: the two runs have a state of their own each, so that one can't hide the other's fault; of
older rules what may go otherwise today is only applied (`ALTERED`). Bounded memory: a row is
forgotten when it has been run.
"""

import msgspec

from exchange.engine import ALTERED, RULES_VERSION, Engine
from exchange.messages.errors import CoreError
from exchange.messages.execution import Execution
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.transitions import transitions
from persistence.journal.reader import first_uses
from persistence.journal.rows import JournalRow, encode_execution


class Rerun:
    """A rebuilt exchange, moving row by row; the first problem of each run is kept."""

    def __init__(self, state: State | None = None, live: State | None = None) -> None:
        """Begin with nothing, or behind what these two equal states hold."""
        self.state = state or State()
        """What the events make."""
        self.event_problem: str | None = None
        self.command_problem: str | None = None
        self.events = 0
        self.reruns = 0
        self.done: list[Execution] = []
        """The commands of the last row."""
        self._engine = Engine(live or State())

    def run(self, row: JournalRow) -> None:
        """Apply the events of a batch, and run its commands again."""
        try:
            self.done = row.executions()
        except msgspec.DecodeError as error:
            self.event_problem = f"the batch of {row.first_seq} can't be read: {error}"
            return
        seqs = [execution.seq for execution in self.done]
        if seqs != list(range(row.first_seq, row.last_seq + 1)):
            self.event_problem = f"the batch of {row.first_seq} holds other commands than it says"
            return
        for execution in self.done:
            problem = self._apply(self.state, execution)
            if problem is not None:
                self.event_problem = problem
                return
            self.events += len(execution.events)
        if self.command_problem is None:
            self._run_again(row.rules_version)

    def ended_orders(self) -> list[Order]:
        """Return the orders that ended in the last row, and begin anew."""
        ended = [order for order in self.state.dirty.orders if order.id not in self.state.orders]
        self.state.dirty.clear()
        return ended

    def _run_again(self, rules_version: int) -> None:
        engine = self._engine
        is_older = rules_version != RULES_VERSION
        altered = ALTERED.get(rules_version, (object,)) if is_older else ()
        for execution in self.done:
            if isinstance(execution.command, altered):
                self._apply(engine.state, execution)
                continue
            try:
                again = engine.execute(execution.at, execution.command)
            except (CoreError, LookupError) as error:
                self.command_problem = f"command {execution.seq} fails when run again: {error!r}"
                return
            if encode_execution(again) != encode_execution(execution):
                self.command_problem = f"command {execution.seq} gives other events when run again"
                return
            self.reruns += 1
        engine.state.dirty.clear()
        engine.state.recent_ids.added.clear()

    @staticmethod
    def _apply(state: State, execution: Execution) -> str | None:
        seq = execution.seq
        if execution.at < state.now or not execution.events:
            return f"command {seq} runs back in time, or has no events"
        transitions.begin(state, seq, execution.at)
        for use in first_uses(execution):
            state.recent_ids.add(use.key, use.prior)
        state.recent_ids.added.clear()
        try:
            for event in execution.events:
                transitions.apply(state, event)
        except (CoreError, LookupError) as error:
            return f"the events of command {seq} don't fit: {error!r}"
        state.recent_ids.forget_older(seq, state.open_client_ids)
        return None
