"""Work that is left over from a command and may wait: one part at a time, between what others ask.

Laws: a part comes when it is due by the engine's time, after the commands at hand, and then not
again before others have had PATIENCE times as long as it took: however slow the machine and large
the work, it takes a quarter of the engine at most. What is due before whatever else is stamped are
the other timers (`exchange.model.timers`) and halts.
"""

import time
from typing import Final

from exchange.engine import Engine
from exchange.model.timers import Timers
from exchange.proof.running_balances import RunningBalances
from persistence.loop.open_batch import Batch

PATIENCE: Final = 3


class LeftWork:
    """Knows when the next part may run."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def is_due(self, timers: Timers, at: int) -> bool:
        """Return whether a part is due at `at` and may run."""
        return timers.is_left(at) and time.monotonic() >= self._not_before

    def delay(self, timers: Timers, now: int) -> float | None:
        """Return in how many seconds the next part may run; None: there is none."""
        due = timers.next_left()
        if due is None:
            return None
        return max((due - now) / 1_000_000, self._not_before - time.monotonic(), 0.0)

    def run(self, batch: Batch, engine: Engine, balances: RunningBalances, at: int) -> None:
        """Run one part in the batch, for which nothing else is due at `at`."""
        started = time.monotonic()
        batch.run_timers(engine, balances, at, 1, left=True)
        ended = time.monotonic()
        self._not_before = ended + PATIENCE * (ended - started)
