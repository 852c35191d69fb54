"""What runs next: halts, timers that are due, orders that a command reached, then what was asked
for.

Laws (RULEBOOK 8, 14 and 16): a market that moved too far halts before all else; a timer comes
before anything else that would bear its time; what a command reached is triggered before the next
command, but not more than TRIGGERS_BETWEEN in a row while one waits; with nothing waiting triggers
go on at once. A slice is small enough for one turn of the event loop. What is due is part of the
state, so after a restart it runs without being asked.
"""

from typing import Final

from exchange.engine import Engine
from exchange.messages.bounds import TRIGGERS_BETWEEN
from exchange.model.state import State
from exchange.proof.running_balances import RunningBalances
from persistence.loop.intake import Intake
from persistence.loop.open_batch import Batch

_SLICE_COMMANDS: Final = 32


def own_is_due(state: State, at: int, triggers: int) -> bool:
    """Return whether the engine gives itself something at `at`; `triggers` may be among it."""
    return bool(state.volatile or state.timers.is_due(at) or (state.due and triggers > 0))


def run_own(
    batch: Batch, engine: Engine, balances: RunningBalances, at: int, most: int, triggers: int
) -> int:
    """Run halts, else timers, else triggers (at most so many of each) where `own_is_due`; return
    how many were triggered.
    """
    state = engine.state
    if state.volatile:
        batch.run_halts(engine, balances, at)
    elif state.timers.is_due(at):
        batch.run_timers(engine, balances, at, most)
    else:
        return batch.run_triggers(engine, balances, at, min(most, triggers))
    return 0


class RunningOrder:
    """Decides between what the engine gives itself and what the intake has."""

    __slots__ = ("_intake", "_triggered")

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._triggered = 0
        """Orders since the last command from outside."""

    def has_next(self, state: State, at: int) -> bool:
        """Return whether anything can run at `at`."""
        own = self.has_own(state)
        return bool(len(self._intake) or own or state.timers.is_due(at))

    @staticmethod
    def has_own(state: State) -> bool:
        """Return whether a command left something to be done at once."""
        return bool(state.due or state.volatile)

    def run_next(self, batch: Batch, engine: Engine, balances: RunningBalances, at: int) -> None:
        """Run a slice of what comes next in a batch that can grow."""
        state, waits = engine.state, len(self._intake)
        most = _SLICE_COMMANDS
        triggers = TRIGGERS_BETWEEN - self._triggered if waits else most
        if own_is_due(state, at, triggers):
            self._triggered += run_own(batch, engine, balances, at, most, triggers)
        else:
            part = self._intake.take(1 if state.due else most, state.seq)
            if part:
                self._triggered = 0
                left = batch.run(engine, balances, at, part)
                if left:
                    self._intake.give_back(left)
