"""`probity serve` that dies as by `kill -9` within the operation so-and-so of a batch of orders.

Run as `python -m tests.faults.orders.mortal_server NUMBER serve`: what the operations before did is
in its memory and nowhere else.
"""

import os
import signal
import sys
from typing import Final

from exchange.messages.commands import Operation
from exchange.messages.events import Event
from exchange.model.state import State
from exchange.rules import batching
from gateway.cli import main

MODULE: Final = "tests.faults.orders.mortal_server"


def die_within(number: int) -> None:
    """End this process when the operation of that number (from 1) of all batches has run."""
    operate, run = batching._operate, [0]

    def mortal(state: State, operation: Operation) -> list[Event]:
        events = operate(state, operation)
        run[0] += 1
        if run[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return events

    batching._operate = mortal


if __name__ == "__main__":
    die_within(int(sys.argv.pop(1)))
    sys.exit(main.main())
